import { z } from 'zod'
import { isSameName } from '../accounts/directory/names.ts'
import { mapInSlices } from '../core/time/time-slice.ts'
import {
  accountOf,
  accountOwner,
  CAPTURED_OWNER,
  type Folder,
  type Owner,
  PUBLIC_OWNER,
} from '../storage/store/folder.ts'
import { folderName, MAX_NAME_CHARS, mailboxNameMistake } from '../storage/store/mailboxes.ts'
import type { Api } from './api.ts'
import { type Caller, seesFolder, seesMessage, seesOwner } from './caller.ts'
import { defineOperation, locationAt } from './operation.ts'
import { ApiProblem, notFound } from './problem.ts'

/** The name of a new mailbox. */
const mistake = ({ input }: { readonly input?: unknown }): string | undefined => mailboxNameMistake(`${input}`)
const newName = z
  .string()
  .max(MAX_NAME_CHARS, { error: mistake })
  // Levels that are not empty, without control characters: the part of the rule that the schema can tell.
  .regex(/^[^/\p{Cc}\u2028\u2029]+(?:\/[^/\p{Cc}\u2028\u2029]+)*$/u, { error: mistake, abort: true })
  .refine((name) => mailboxNameMistake(name) === undefined, { error: mistake })
  .describe('Name of the mailbox, with / between levels.')

export const folder = z
  .object({
    id: z.string(),
    name: z.string(),
    account: z.string().nullable(),
    newsgroup: z.string().nullable(),
    captured: z.boolean(),
    specialUse: z.string().nullable().describe('Special use of the mailbox, such as `\\Sent` (RFC 6154).'),
    uidValidity: z.number().int(),
    messages: z.number().int(),
    unread: z.number().int(),
    sizeOctets: z.number().int(),
  })
  .meta({ id: 'Folder' })

/** Returns a folder with the counts that a caller sees. */
export async function folderFacts(api: Api, caller: Caller, one: Folder): Promise<z.infer<typeof folder>> {
  const { exists, unseen, sizeOctets } = await countsOf(api, caller, one)
  return {
    id: one.id,
    name: one.name,
    account: accountOf(one) ?? null,
    newsgroup: one.owner === PUBLIC_OWNER ? one.name : null,
    captured: one.owner === CAPTURED_OWNER,
    specialUse: one.specialUse ?? null,
    uidValidity: one.uidValidity,
    messages: exists,
    unread: unseen,
    sizeOctets,
  }
}

/** Counts the messages of a folder that a caller sees: a part of captured mail, all of others. */
async function countsOf(
  api: Api,
  caller: Caller,
  one: Folder,
): Promise<{ readonly exists: number; readonly unseen: number; readonly sizeOctets: number }> {
  if (one.owner !== CAPTURED_OWNER || caller.tenant === undefined) return api.lab.store.status(one.id)
  const seen = (await api.lab.store.list(one.id)).filter((entry) => seesMessage(caller, one, entry))
  return {
    exists: seen.length,
    unseen: seen.filter(({ flags }) => !flags.includes('\\Seen')).length,
    sizeOctets: seen.reduce((sum, { sizeOctets }) => sum + sizeOctets, 0),
  }
}

/** Returns every folder that a caller sees. */
async function visibleFolders(api: Api, caller: Caller): Promise<Folder[]> {
  const owners = (await api.lab.store.listOwners()).filter((owner) => seesOwner(caller, owner))
  const lists = await Promise.all(owners.map((owner) => api.lab.store.listFolders(owner)))
  return lists.flat().filter((one) => seesFolder(caller, one))
}

async function folderById(api: Api, caller: Caller, id: string): Promise<Folder> {
  const found = (await visibleFolders(api, caller)).find((one) => one.id === id)
  if (found) return found
  throw notFound(`there is no folder ${id}; GET /api/v1/folders lists them`)
}

const listFolders = defineOperation('folders.list', 'GET /folders', {
  listKey: 'id',
  summary: 'List the mailboxes of all accounts, captured mail and newsgroups, with their counts.',
  access: 'read',
  input: z.strictObject({ account: z.string().optional().describe('Only the mailboxes of this account.') }),
  output: z.object({ items: z.array(folder) }),
  async run({ api, caller, input: { account } }) {
    const folders = await visibleFolders(api, caller)
    const wanted = account === undefined ? folders : folders.filter((one) => isSameName(accountOf(one), account))
    const items = await mapInSlices(wanted, (one) => folderFacts(api, caller, one))
    // The name of a folder of captured mail is the domain that someone has written to.
    return { items: items.filter(({ captured, messages }) => !captured || caller.tenant === undefined || messages > 0) }
  },
})

const getFolder = defineOperation('folders.get', 'GET /folders/{id}', {
  summary: 'Read a mailbox, a folder of captured mail or a newsgroup, with its counts.',
  access: 'read',
  input: z.strictObject({ id: z.string() }),
  output: folder,
  run: async ({ api, caller, input: { id } }) => folderFacts(api, caller, await folderById(api, caller, id)),
})

const createFolder = defineOperation('folders.create', 'POST /folders', {
  summary: 'Create a mailbox in an account.',
  access: 'change',
  input: z.strictObject({
    account: z.string(),
    name: newName,
  }),
  output: folder,
  status: 201,
  location: locationAt('/folders/{id}'),
  problems: ['not-found', 'conflict'],
  async run({ api, caller, input: { account, name } }) {
    const owner: Owner = accountOwner(api.lab.directory.find(account)?.user ?? account)
    if (!api.lab.directory.find(account) || !seesOwner(caller, owner)) {
      throw notFound(`there is no account ${account}; GET /api/v1/accounts lists them`)
    }
    return folderFacts(api, caller, await api.lab.store.createFolder(owner, folderName(owner, name)))
  },
})

const renameFolder = defineOperation('folders.rename', 'PATCH /folders/{id}', {
  summary: 'Rename a mailbox and the mailboxes below it.',
  access: 'change',
  input: z.strictObject({ id: z.string(), name: newName }),
  output: folder,
  problems: ['conflict'],
  async run({ api, caller, input: { id, name } }) {
    const one = await folderById(api, caller, id)
    assertMailbox(one, 'renamed')
    if (name.startsWith(`${one.name}/`)) throw new ApiProblem('conflict', `${one.name} cannot be moved below itself`)
    return folderFacts(api, caller, await api.lab.store.renameFolder(id, folderName(one.owner, name)))
  },
})

const deleteFolder = defineOperation('folders.delete', 'DELETE /folders/{id}', {
  summary: 'Delete a mailbox and its messages.',
  access: 'change',
  input: z.strictObject({ id: z.string() }),
  problems: ['conflict'],
  async run({ api, caller, input: { id } }) {
    assertMailbox(await folderById(api, caller, id), 'deleted')
    await api.lab.store.deleteFolder(id)
  },
})

/** @throws ApiProblem `conflict` for newsgroups, captured mail and INBOX */
function assertMailbox({ owner, name }: Folder, what: string): void {
  if (owner === PUBLIC_OWNER) throw new ApiProblem('conflict', `${name} is a newsgroup; use /api/v1/newsgroups`)
  if (owner === CAPTURED_OWNER) throw new ApiProblem('conflict', `the folders of captured mail cannot be ${what}`)
  if (name === 'INBOX') throw new ApiProblem('conflict', `INBOX cannot be ${what}: every account has one`)
}

export const folderOperations = [listFolders, getFolder, createFolder, renameFolder, deleteFolder] as const

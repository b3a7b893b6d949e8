import { z } from 'zod'
import type { Folder } from '../../../../src/storage/store/folder.ts'
import { AccountHistory } from '../../../../src/storage/store/views/account-history.ts'
import { type AccountMailbox, ask, folderById, gone } from '../mailbox/mailbox.ts'
import type { Answer } from '../types.ts'
import { jsonBody } from '../values.ts'
import { type Entity, propertiesInMemory, shaped } from './entity.ts'
import { GraphError } from './errors.ts'
import * as odata from './odata.ts'
import { type GraphRequest, route } from './odata.ts'

/** The folder that the others are in. It has no messages. */
const ROOT = 'msgfolderroot'

/** The names or uses of folders by their well-known names. https://learn.microsoft.com/en-us/graph/api/resources/mailfolder */
const WELL_KNOWN: Readonly<Partial<Record<string, string>>> = {
  inbox: 'INBOX',
  drafts: '\\Drafts',
  sentitems: '\\Sent',
  deleteditems: '\\Trash',
  junkemail: '\\Junk',
  archive: '\\Archive',
}

/** Returns a folder by its well-known name; undefined if the account has none. */
export async function wellKnown({ store, owner }: AccountMailbox, name: string): Promise<Folder | undefined> {
  const use = WELL_KNOWN[name.toLowerCase()]
  return (await store.listFolders(owner)).find((one) => use !== undefined && use === (one.specialUse ?? one.name))
}

/** Returns a folder by its id or its well-known name. @throws GraphError */
export async function folderOf(mailbox: AccountMailbox, id = ''): Promise<Folder> {
  const found = folderById(mailbox, id) ?? (await wellKnown(mailbox, id))
  if (found) return found
  throw new GraphError(404, 'ErrorItemNotFound', 'The specified folder could not be found in the store.')
}

/** Returns the folder of a request; undefined for the root. */
const parentIn = async ({ mailbox, params: { folder = ROOT } }: GraphRequest): Promise<Folder | undefined> =>
  folder.toLowerCase() === ROOT ? undefined : folderOf(mailbox, folder)

const of = propertiesInMemory<FolderItem>()

/** https://learn.microsoft.com/en-us/graph/api/resources/mailfolder */
const mailFolder: Entity<FolderItem> = {
  id: of(({ folder }) => folder.id),
  displayName: of(({ folder, parent }) =>
    folder.name.slice(parent ? parent.name.length + 1 : 0).replace(/^INBOX$/, 'Inbox'),
  ),
  parentFolderId: of(({ parent }) => parent?.id ?? ROOT),
  childFolderCount: of(({ children }) => children),
  unreadItemCount: of(({ status }) => status.unseen),
  totalItemCount: of(({ status }) => status.exists),
  sizeInBytes: of(({ status }) => status.sizeOctets),
  isHidden: of(() => false),
}

/** Returns the nearest folder above another. IMAP does not need the folders between. */
const parentOf = ({ name }: Pick<Folder, 'name'>, all: readonly Folder[]): Folder | undefined =>
  all.filter((one) => name.startsWith(`${one.name}/`)).sort((a, b) => b.name.length - a.name.length)[0]

/** Returns all folders of an account. */
async function folderItems({ store, owner }: AccountMailbox) {
  const all = await store.listFolders(owner)
  const parents = all.map((folder) => parentOf(folder, all))
  const itemOf = async (folder: Folder, at: number) => {
    const children = parents.filter((parent) => parent === folder).length
    return { folder, parent: parents[at], children, status: await store.status(folder.id) }
  }
  return Promise.all(all.map(itemOf))
}
type FolderItem = Awaited<ReturnType<typeof folderItems>>[number]

async function list(request: GraphRequest): Promise<Answer> {
  const parent = await parentIn(request)
  const items = (await folderItems(request.mailbox)).filter((one) => one.parent?.id === parent?.id)
  return odata.answerList(request, mailFolder, items, 'mailFolders')
}

async function answerFolder(request: GraphRequest, { id }: Pick<Folder, 'id'>, status = 200): Promise<Answer> {
  const item = (await folderItems(request.mailbox)).find(({ folder }) => folder.id === id)
  const json = item && shaped(mailFolder, { message: item }, odata.selected(request, mailFolder))
  return odata.answer(request, 'mailFolders/$entity', json ?? gone(), status)
}

/** Returns the name that a request gives to a folder. */
async function newName({ call, mailbox }: GraphRequest, parent: Folder | undefined): Promise<string> {
  const { displayName: own } = jsonBody(call, z.looseObject({ displayName: z.string().min(1) }))
  const name = parent ? `${parent.name}/${own}` : own
  if (own.includes('/')) throw new GraphError(400, 'ErrorInvalidRequest', 'displayName: write a name without /')
  if (await mailbox.store.findFolder(mailbox.owner, name))
    throw new GraphError(409, 'ErrorFolderExists', `A folder with the specified name already exists., ${own}`)
  return name
}

async function create(request: GraphRequest): Promise<Answer> {
  const { mailbox } = request
  const name = await newName(request, await parentIn(request))
  const created = await ask(mailbox, 'folders.create', { account: mailbox.account.user, name })
  await mailbox.store.setSubscribed(mailbox.owner, name, true)
  return answerFolder(request, created as Folder, 201)
}

/** Returns a folder that accounts may change, and all folders. @throws GraphError for a well-known one */
async function changeable({ mailbox, params }: GraphRequest, code: string) {
  const folder = await folderOf(mailbox, params.folder)
  const uses = Object.values(WELL_KNOWN)
  if (uses.includes(folder.specialUse ?? folder.name))
    throw new GraphError(400, code, `Distinguished folders cannot be changed: ${folder.name}`)
  return { folder, all: await mailbox.store.listFolders(mailbox.owner) }
}

async function rename(request: GraphRequest): Promise<Answer> {
  const { folder, all } = await changeable(request, 'ErrorMoveDistinguishedFolder')
  await ask(request.mailbox, 'folders.rename', { id: folder.id, name: await newName(request, parentOf(folder, all)) })
  return answerFolder(request, folder)
}

async function remove(request: GraphRequest): Promise<Answer> {
  const { folder, all } = await changeable(request, 'ErrorDeleteDistinguishedFolder')
  const doomed = all.filter(({ name }) => name === folder.name || name.startsWith(`${folder.name}/`))
  for (const { id } of doomed) await ask(request.mailbox, 'folders.delete', { id })
  return { status: 204 }
}

/** Answers with the folders that have changed since a step of the history. https://learn.microsoft.com/en-us/graph/api/mailfolder-delta */
async function delta(request: GraphRequest): Promise<Answer> {
  const { call, mailbox, query } = request
  const history = await AccountHistory.of(mailbox.store, mailbox.owner, call.api.lab.intake.memory)
  const select = ['id', ...odata.selected(request, mailFolder)]
  const [{ last }, token] = [history, query.get('$deltatoken')]
  const changed = token === null ? undefined : await changedSince(history, token)
  const [value, gone] = [[] as object[], new Set(changed)]
  for (const message of await folderItems(mailbox)) {
    const { id } = message.folder
    if (changed?.has(id) !== false) value.push(shaped(mailFolder, { message }, select))
    gone.delete(id)
  }
  value.push(...Array.from(gone, odata.removed))
  return odata.answer(request, 'mailFolders', { value, ...odata.linkTo(request, 'delta', { $deltatoken: last }) })
}

/** Returns the ids of the folders that were changed, or whose messages were. @throws GraphError */
async function changedSince(history: AccountHistory, token: string): Promise<Set<string>> {
  if (!/^\d{1,15}$/.test(token) || !history.keeps(Number(token))) return odata.lost()
  const found = new Set<string>()
  for await (const [, step] of history.stepsAfter(Number(token))) {
    const { folder, changes } = step ?? odata.lost()
    const parent = folder && parentOf(folder, [...history.folders.values()])
    for (const one of [folder, parent]) if (one) found.add(one.id)
    for (const { before, after } of changes)
      for (const [id] of [...(before?.copies ?? []), ...(after?.copies ?? [])]) found.add(id)
  }
  return found
}

export const folderRoutes = [
  route('GET', `{user}/mailFolders/${odata.DELTA}`, delta),
  route('GET', '{user}/mailFolders', list),
  route('POST', '{user}/mailFolders', create),
  route('GET', '{user}/mailFolders{folder}', async (request) =>
    answerFolder(request, await folderOf(request.mailbox, request.params.folder)),
  ),
  route('PATCH', '{user}/mailFolders{folder}', rename),
  route('DELETE', '{user}/mailFolders{folder}', remove),
  route('GET', '{user}/mailFolders{folder}/childFolders', list),
  route('POST', '{user}/mailFolders{folder}/childFolders', create),
]

import { z } from 'zod'
import type { MemoryReservation } from '../../core/octets/memory-budget.ts'
import { isSliceOver, nextSlice, runInSlices } from '../../core/time/time-slice.ts'
import { accountOf, accountOwner, type Folder, PUBLIC_OWNER } from '../../storage/store/folder.ts'
import { type CarriedMessage, checked, crlfSteps } from '../../storage/store/formats/format.ts'
import { type MboxQuoting, mboxQuotings, messagesInMbox } from '../../storage/store/formats/mbox.ts'
import { importFolder } from '../../storage/store/formats/transfer.ts'
import { ensureMailboxes, folderName } from '../../storage/store/mailboxes.ts'
import { exceededQuota, limitOf } from '../../storage/store/quota.ts'
import type { HoldLimit } from '../../storage/store/types.ts'
import type { Api } from '../api.ts'
import { type Caller, seesOwner } from '../caller.ts'
import { type Call, defineOperation, type Upload } from '../operation.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { folderNamed } from './find.ts'
import { idsSeenBy, locationOfFirst, storedIds } from './stored.ts'

const MBOX = 'application/mbox'
/** Longest mbox file. It is held in memory twice, as it came and as messages. */
const MAX_MBOX_OCTETS = 64 * 1024 * 1024

/** Most lines of one message. A message is read as a whole, and each of its lines takes memory of its own. */
const MAX_LINES = 1_000_000

const input = z.strictObject({
  to: z.string().optional().describe('Recipients: addresses or user names, separated by commas.'),
  from: z.string().default('').describe('MAIL FROM of the delivered messages.'),
  account: z.string().optional().describe('Puts the messages into a mailbox of this account. Use it instead of `to`.'),
  folder: z.string().default('INBOX').describe('The mailbox of the account.'),
  newsgroup: z.string().optional().describe('Puts the messages into this newsgroup. Use it instead of `to`.'),
  quoting: z
    .enum(mboxQuotings)
    .default('mboxrd')
    .describe(
      'How the mbox file quotes lines that begin with `From `: mboxrd adds a `>` to each, mboxo only to `From `.',
    ),
})

type ImportCall = Call<z.output<typeof input>>

export const importMessages = defineOperation('messages.import', 'POST /messages/import', {
  summary:
    'Deliver a message (.eml) or the messages of an mbox file, or put them into a mailbox with their flags and dates.',
  access: 'change',
  input,
  upload: ['message/rfc822', 'application/octet-stream', MBOX],
  uploadOctets: { [MBOX]: MAX_MBOX_OCTETS },
  output: z.object({
    delivered: z.array(z.string()).describe('Recipients.'),
    messages: z.number().int().describe('How many messages were delivered or stored.'),
    known: z.number().int().describe('How many articles were skipped because the newsgroup already has them.'),
    ids: storedIds,
  }),
  status: 201,
  location: locationOfFirst,
  problems: ['not-found', 'conflict'],
  async run(call) {
    const { api, upload } = call
    const places = [call.input.to, call.input.account, call.input.newsgroup].filter((one) => one !== undefined)
    if (places.length !== 1) throw new ApiProblem('bad-request', 'say where the messages go: to, account or newsgroup')
    if (!upload || upload.octets.length === 0)
      throw new ApiProblem('bad-request', 'the body of the request is empty; send the .eml or mbox file in it')
    using memory = api.lab.intake.memory.reservation('messages')
    const messages = await messagesIn(upload, call, memory)
    return call.input.to === undefined ? store(call, messages) : deliver(call, call.input.to, messages)
  },
})

/** Returns the messages of a file. @throws ApiProblem `invalid` if it has no message, or something that is not a message, `too-large`; MemoryLimitReached */
async function messagesIn(
  { type, octets }: Upload,
  { api, input: { quoting } }: ImportCall,
  memory: MemoryReservation,
): Promise<CarriedMessage[]> {
  const found: CarriedMessage[] = []
  for await (const message of type === MBOX ? fromMbox(octets, quoting) : oneMessage(octets, api)) {
    if (message.refused !== undefined) throw new ApiProblem('invalid', `${message.refused}; nothing is imported`)
    memory.grow(message.raw.length)
    found.push(message)
  }
  if (found.length > 0) return found
  throw new ApiProblem('invalid', 'the file has only empty lines; send one with a message')
}

async function* fromMbox(octets: Buffer, quoting: MboxQuoting): AsyncGenerator<CarriedMessage, void, void> {
  let lines = 0
  for (const message of messagesInMbox(octets, quoting)) {
    lines = message ? 0 : lines + 1
    if (lines > MAX_LINES) {
      const why = `a message has more than ${MAX_LINES} lines; import the file on the machine, with sealpost store import`
      throw new ApiProblem('too-large', why)
    }
    if (message) yield message
    if (isSliceOver()) await nextSlice()
  }
}

async function* oneMessage(octets: Buffer, { lab }: Api): AsyncGenerator<CarriedMessage, void, void> {
  const raw = await runInSlices(crlfSteps(octets))
  yield checked({ raw, flags: [], internalDate: lab.clock.now() }, 'the file')
}

interface Imported {
  readonly delivered: readonly string[]
  readonly messages: number
  readonly known: number
  readonly ids: readonly string[]
}

async function deliver(
  { api, caller, input: { from } }: ImportCall,
  recipients: string,
  messages: readonly CarriedMessage[],
): Promise<Imported> {
  const to = recipients
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
  for (const one of to) assertOwnRecipient(caller, one)
  const ids: string[] = []
  for (const [index, { raw }] of messages.entries()) {
    const stored = await api.lab.deliver({ from, to, raw }).catch((error: Error) => {
      if (messages.length > 1)
        error.message += `; this is message ${index + 1} of ${messages.length}, and those before it are delivered`
      throw error
    })
    ids.push(...idsSeenBy(caller, stored, ids.length))
  }
  return { delivered: to, messages: messages.length, known: 0, ids }
}

/** A tenant can send to its own accounts only. @throws ApiProblem `forbidden` */
export function assertOwnRecipient({ tenant }: Caller, to: string): void {
  if (tenant !== undefined && !tenant.ownsAccount(to)) {
    throw new ApiProblem('forbidden', `${to} is not an account of the tenant; its accounts begin with ${tenant.name}-`)
  }
}

/** Puts messages into a folder: all, or none if the mailbox has no room. */
async function store(call: ImportCall, messages: readonly CarriedMessage[]): Promise<Imported> {
  const { api } = call
  const folder = await targetOf(call)
  const user = accountOf(folder)
  let limit: HoldLimit | undefined
  if (user !== undefined) {
    const octets = messages.reduce((sum, { raw }) => sum + raw.length, 0)
    const { quota } = api.lab.directory.find(user) ?? {}
    limit = await limitOf(api.lab.store, folder.owner, quota)
    const more = { octets, messages: messages.length }
    if (await exceededQuota(api.lab.store, folder.owner, quota, more))
      throw new ApiProblem('conflict', `the mailbox of ${user} has no room for the messages (quota); nothing is stored`)
  }
  const ids: string[] = []
  const { messages: count, known } = await importFolder(api.lab.store, folder, each(messages), {
    limit,
    onStored: (stored) => ids.push(...idsSeenBy(call.caller, stored, ids.length)),
  })
  return { delivered: [], messages: count, known, ids }
}

async function* each(messages: readonly CarriedMessage[]): AsyncGenerator<CarriedMessage, void, void> {
  yield* messages
}

/** Returns the folder that messages are put into. @throws ApiProblem `not-found`, `forbidden` */
async function targetOf({ api, caller, input: { account = '', folder, newsgroup } }: ImportCall): Promise<Folder> {
  if (newsgroup !== undefined) {
    const isOwn = caller.role === 'tenant' && caller.tenant?.ownsNewsgroup(newsgroup)
    if (caller.role !== 'administrator' && !isOwn)
      throw new ApiProblem('forbidden', 'an administrator may put articles into newsgroups; others post them')
    return folderNamed({ api, caller }, PUBLIC_OWNER, newsgroup)
  }
  const found = api.lab.directory.find(account)
  if (!found || !seesOwner(caller, accountOwner(found.user)))
    throw notFound(`there is no account ${account}; GET /api/v1/accounts lists them`)
  const { account: kept } = await api.lab.directory.add(found)
  const owner = accountOwner(kept.user)
  await ensureMailboxes(api.lab.store, owner)
  return folderNamed({ api, caller }, owner, folderName(owner, folder))
}

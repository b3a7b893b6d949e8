import { z } from 'zod'
import { timeText } from '../../core/time/time-text.ts'
import { accountOf, CAPTURED_OWNER, PUBLIC_OWNER } from '../../storage/store/folder.ts'
import { type Caller, seesFolder, seesLab, seesSession } from '../caller.ts'
import { type MessageEvent, messageEventTypes } from '../lab.ts'
import { type Call, defineOperation } from '../operation.ts'
import { askNode } from '../other-nodes.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { messageOf } from './find.ts'
import type { MessageFacts } from './message-facts.ts'
import type { IndexedMessage } from './message-index.ts'
import { recipientsFor } from './summary.ts'

const event = z
  .object({
    event: z
      .enum(messageEventTypes)
      .describe(
        'delivered: it arrived by SMTP, LMTP or the API. script: the Sieve script of an account ran. stored: imported, copied or appended. reported: a test asked for a report about it. queued, sent, deferred, failed, held, unqueued: in the queue of outgoing mail.',
      ),
    at: z.string(),
    account: z.string().nullable().describe('The account whose copy it was.'),
    folder: z.string().nullable().describe('The folder of the copy; null: it happened to no copy in the lab.'),
    from: z.string().nullable().describe('moved: the folder before.'),
    session: z.string().nullable().describe('Id of the session that did it, if the caller may see it.'),
    user: z.string().nullable().describe('Who did it, if the caller may see it.'),
    recipients: z.array(z.string()),
    text: z
      .string()
      .nullable()
      .describe(
        'What the script did, the reply of the next server, the report, the event of a provider, or why the lab deleted it.',
      ),
    connector: z.string().nullable(),
    destination: z.string().nullable().describe('The domain, or the smart host, that it was sent to.'),
    added: z.array(z.string()).describe('Flags that were set.'),
    removed: z.array(z.string()).describe('Flags that were removed.'),
  })
  .meta({ id: 'MessageEvent' })

type ShownEvent = z.output<typeof event>

const history = defineOperation('messages.history', 'GET /messages/{id}/history', {
  summary:
    'List what happened to a message and its copies, the oldest first: delivered, read by which session, flagged, moved, deleted, released and sent. The lab keeps 100 events for each of the latest 2000 messages, in memory.',
  access: 'read',
  input: z.strictObject({ id: z.string().describe('Id of the message.') }),
  output: z.object({
    items: z.array(event),
    missing: z
      .array(z.string())
      .optional()
      .describe('Nodes of the lab that did not answer in time, so that the list lacks what they did.'),
  }),
  async run(call) {
    const { api, caller, input, isForwarded } = call
    const message = await messageOf(api, caller, input.id)
    const facts = await api.reader.facts(message)
    if (!facts) throw notFound(`message ${input.id} was deleted meanwhile`)
    const own = api.lab.histories.of(message.entry.blob).filter((one) => isSeen(caller, message, one))
    const items = own.map((one) => eventFacts(call, one, facts))
    if (isForwarded) return { items }
    const missing: string[] = []
    await Promise.all(
      (await api.lab.cluster.others()).map(async (node) => {
        try {
          items.push(...((await askNode(node, 'messages.history', call)) as { items: ShownEvent[] }).items)
        } catch (error) {
          if (!(error instanceof ApiProblem)) throw error
          missing.push(node)
        }
      }),
    )
    const sorted = items.sort((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0))
    return { items: sorted, ...(missing.length > 0 && { missing: missing.sort() }) }
  },
})

/** Returns whether a caller who sees a message sees an event of its copies. */
function isSeen(caller: Caller, message: IndexedMessage, { type, folder, user }: MessageEvent): boolean {
  if (seesLab(caller) && folder === undefined) return true
  if (folder === undefined) return false
  if (folder.owner === PUBLIC_OWNER && type === 'read' && !isOwn(caller, user)) return false
  if (folder.id === message.folder.id) return true
  // Which captured copies belong to a tenant is known of the copies only.
  return seesFolder(caller, folder) && (folder.owner !== CAPTURED_OWNER || caller.tenant === undefined)
}

/** Returns whether something that a user did belongs to the caller. */
function isOwn(caller: Caller, user: string | undefined): boolean {
  const { role, name, tenant } = caller
  if (role === 'account') return user === name
  return tenant === undefined || (user !== undefined && tenant.ownsAccount(user))
}

function eventFacts({ api, caller }: Call<unknown>, one: MessageEvent, facts: MessageFacts): ShownEvent {
  const { type, folder, recipients = [] } = one
  const record = one.session === undefined ? undefined : api.lab.sessionLog.get(one.session)
  // Everybody who sees a message may know the session that delivered it.
  const seesId = type === 'delivered' || (record ? seesSession(caller, record) : seesLab(caller))
  const envelope = { rcptTo: recipients }
  return {
    event: type,
    at: timeText(one.at),
    account: folder ? (accountOf(folder) ?? null) : null,
    folder: folder?.name ?? null,
    from: one.from?.name ?? null,
    session: (seesId && one.session) || null,
    user: (isOwn(caller, one.user) && one.user) || null,
    recipients: folder ? recipientsFor({ api, caller }, folder, { envelope }, facts) : [...recipients],
    text: one.text ?? null,
    connector: one.connector ?? null,
    destination: one.destination ?? null,
    added: [...(one.added ?? [])],
    removed: [...(one.removed ?? [])],
  }
}

export const historyOperations = [history] as const

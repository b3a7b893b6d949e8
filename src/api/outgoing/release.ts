import { z } from 'zod'
import { splitAddress } from '../../accounts/directory/names.ts'
import { isSliceOver, nextSlice } from '../../core/time/time-slice.ts'
import { omitUndefined } from '../../core/values/omit-undefined.ts'
import { releasedForm, releaseRecipients } from '../../transport/delivery/released.ts'
import { type NewOutgoing, OutgoingRefused } from '../../transport/outgoing/types.ts'
import type { Api } from '../api.ts'
import { chosen, chosenMessages } from '../messages/bulk.ts'
import { messageOf } from '../messages/find.ts'
import { compareArrival, type IndexedMessage } from '../messages/message-index.ts'
import { defineOperation } from '../operation.ts'
import { ApiProblem, notFound } from '../problem.ts'

/** Most messages that one call releases. Each is in the queue until it is sent. */
const MAX_RELEASED = 1_000

const address = z.string().regex(/^[^\s<>@,]+@[^\s<>@,]+$/, 'is not an address such as dev@example.test')

const how = {
  to: z
    .array(address)
    .min(1)
    .optional()
    .describe(
      'Recipients in place of those of the message. Default: its envelope recipients outside the lab; if it has none, all.',
    ),
  connector: z
    .string()
    .optional()
    .describe(
      'Name of the connector that sends it, whatever its domains and filters. Default: by the recipients’ domains.',
    ),
  dryRun: z.boolean().default(false).describe('Answers what would be sent, and sends nothing.'),
}

type How = z.output<z.ZodObject<typeof how>>

const released = z
  .object({
    id: z.string().describe('Id of the message.'),
    from: z.string().describe('MAIL FROM of the message before `rewrite`.'),
    to: z.array(z.string()).describe('Recipients before `rewrite`.'),
    deliveries: z
      .array(
        z.object({
          connector: z.string().describe('Name of the connector.'),
          destination: z.string().describe('The domain, or the smart host, that the message goes to.'),
          mailFrom: z.string(),
          recipients: z.array(z.string()),
          queueId: z.string().nullable().describe('Id in the queue; null with `dryRun`.'),
        }),
      )
      .describe('What is sent, with the envelopes after `rewrite`.'),
  })
  .meta({ id: 'ReleasedMessage' })

type Released = z.output<typeof released>

/**
 * Sends a message to other hosts by the connectors of the lab, or says what would be sent.
 * @throws ApiProblem `not-found`, `conflict` if a deny list forbids it or no connector matches
 */
export async function releaseMessage(
  api: Api,
  message: IndexedMessage,
  { to, connector, dryRun }: How,
): Promise<Released> {
  const mail = await outgoingOf(api, message, to)
  const { mailFrom, recipients } = mail.envelope
  const wanted = connector === undefined ? mail : { ...mail, connector }
  try {
    const deliveries = dryRun
      ? api.outgoing.plan(wanted).map((one) => ({ ...one, queueId: null }))
      : await queueMail(api, wanted)
    return { id: message.id, from: mailFrom, to: recipients.map((one) => one.address), deliveries }
  } catch (error) {
    if (!(error instanceof OutgoingRefused)) throw error
    throw new ApiProblem('conflict', error.message, { recipient: error.recipient })
  }
}

async function queueMail({ outgoing }: Api, mail: NewOutgoing): Promise<Released['deliveries']> {
  const entries = await outgoing.queue.add(mail)
  return entries.map(({ id, connector, destination, mailFrom, recipients }) => ({
    connector,
    destination,
    mailFrom,
    recipients: recipients.map((one) => one.address),
    queueId: id,
  }))
}

/** Returns a message with the envelope that it is released with. @throws ApiProblem `not-found`, `conflict` */
async function outgoingOf(api: Api, message: IndexedMessage, to: readonly string[] | undefined): Promise<NewOutgoing> {
  const { id, folder, entry } = message
  const raw = await api.lab.store.read(folder.id, entry.uid)
  const facts = await api.reader.facts(message)
  if (!raw || !facts) throw notFound(`message ${id} was deleted meanwhile`)
  const { directory } = api.lab
  const isLocal = (one: string): boolean => directory.isLocalDomain(splitAddress(one).domain)
  const addresses = (list: readonly { readonly address: string }[]): string[] => list.map((one) => one.address)
  const addressed = {
    rcptTo: entry.envelope?.rcptTo,
    to: addresses(facts.to),
    cc: addresses(facts.cc),
    bcc: addresses(facts.bcc),
  }
  const recipients = to ?? releaseRecipients(addressed, isLocal)
  if (recipients.length === 0)
    throw new ApiProblem('conflict', `message ${id} has no recipients; name them: "to": ["dev@example.test"]`)
  const mailFrom = entry.envelope?.mailFrom ?? facts.from?.address ?? ''
  const session = entry.envelope?.session
  const account = session === undefined ? undefined : api.lab.sessionLog.get(session)?.user
  return {
    raw: releasedForm(raw),
    released: entry.blob,
    envelope: {
      mailFrom,
      recipients: recipients.map((one) => ({ address: one })),
      ...(entry.envelope?.requireTls && { requireTls: true }),
    },
    ...omitUndefined({ session, account }),
  }
}

const release = defineOperation('messages.release', 'POST /messages/{id}/release', {
  summary: 'Send a message to other hosts by the connectors of the lab. It stays in the lab.',
  access: 'administer',
  input: z.strictObject({ id: z.string().describe('Id of the message.'), ...how }),
  output: released,
  problems: ['conflict'],
  run: async ({ api, caller, input: { id, ...rest } }) => releaseMessage(api, await messageOf(api, caller, id), rest),
})

const releaseMany = defineOperation('messages.releaseMany', 'POST /messages/release', {
  summary:
    'Send several messages to other hosts, chosen by their ids or by a search. Copies of a message are sent once.',
  access: 'administer',
  input: z.strictObject({ ...chosen, ...how }).omit({ all: true }),
  output: z.object({
    released: z.array(released),
    refused: z
      .array(z.object({ id: z.string(), detail: z.string().describe('Why the message is not sent.') }))
      .describe('Messages that no connector takes.'),
  }),
  problems: ['not-found', 'too-large'],
  async run(call) {
    const { to, connector, dryRun, ...choice } = call.input
    const found = await chosenMessages({ ...call, input: { ...choice, all: false } })
    for (const id of choice.ids ?? []) await messageOf(call.api, call.caller, id)
    const messages = withoutCopies(found)
    if (messages.length > MAX_RELEASED)
      throw new ApiProblem(
        'too-large',
        `${messages.length} messages match; release at most ${MAX_RELEASED} in one call`,
      )
    const answer: { released: Released[]; refused: { id: string; detail: string }[] } = { released: [], refused: [] }
    for (const message of messages) {
      try {
        answer.released.push(await releaseMessage(call.api, message, { to, connector, dryRun }))
      } catch (error) {
        if (!(error instanceof ApiProblem)) throw error
        answer.refused.push({ id: message.id, detail: error.message })
      }
      if (isSliceOver()) await nextSlice()
    }
    return answer
  },
})

/** Returns each message once, the oldest first: copies in several mailboxes have the same octets and the same envelope. */
function withoutCopies(messages: readonly IndexedMessage[]): IndexedMessage[] {
  const seen = new Map<string, IndexedMessage>()
  for (const message of messages.toSorted(compareArrival))
    if (!seen.has(message.entry.blob)) seen.set(message.entry.blob, message)
  return [...seen.values()]
}

export const releaseOperations = [release, releaseMany] as const

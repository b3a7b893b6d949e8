import { z } from 'zod'
import { addressKey } from '../accounts/directory/names.ts'
import { Wakeup } from '../core/async/wakeup.ts'
import { duration } from '../core/config/schema/values.ts'
import { hasFailed } from '../core/sessions/describe.ts'
import { abortAfter } from '../core/time/abort-after.ts'
import { isSliceOver, nextSlice } from '../core/time/time-slice.ts'
import { searchable } from '../mail/format/search-text.ts'
import type { Folder } from '../storage/store/folder.ts'
import type { Api } from './api.ts'
import { type Caller, seesFolder, seesMessage, seesSession } from './caller.ts'
import { recipientKeys, type Watch } from './messages/arrivals.ts'
import { queryConditions, selection } from './messages/find.ts'
import { type Matcher, matcherOf, type RecipientsOf } from './messages/matcher.ts'
import type { IndexedMessage } from './messages/message-index.ts'
import { conditionOn, wordsCondition } from './messages/search.ts'
import { type MessageSummary, messageSummary, recipientsFor, summarize } from './messages/summary.ts'
import { type Call, defineOperation } from './operation.ts'
import { ApiProblem } from './problem.ts'
import { refusedSession } from './sessions.ts'

/** Longest wait. Proxies give up on silent requests sooner or later. */
export const MAX_WAIT_MS = 300_000
const DEFAULT_WAIT = '30s'
/** Messages and sessions that a time-out lists. */
export const MAX_LISTED = 20

/** The conditions on a message of a test. */
export const messageConditions = {
  to: z.string().optional().describe('A complete recipient address of the envelope, or the user name of an account.'),
  from: z.string().optional().describe('Part of the From field or of MAIL FROM.'),
  subject: z.string().optional().describe('Part of the subject.'),
  text: z.string().optional().describe('Part of the text.'),
  ...selection,
}

const input = z.strictObject({
  ...messageConditions,
  timeout: duration
    .refine((ms) => ms <= MAX_WAIT_MS, 'is longer than 5 minutes, the longest wait; wait again instead')
    .prefault(DEFAULT_WAIT)
    .describe('Longest wait, such as 10s.'),
})

type WaitInput = z.output<typeof input>

const wait = defineOperation('wait', 'POST /wait', {
  readsMessages: true,
  summary:
    'Wait for a message. Messages that arrived before the request count, unless an earlier wait has returned them.',
  access: 'read',
  input,
  output: messageSummary,
  problems: ['wait-timeout'],
  run: async (call) => {
    const { api, caller } = call
    const lostRights = (await call.standing?.()) ?? (() => undefined)
    const found = await firstMatch(call, waitTest(call), lostRights)
    if (!found && api.stopping.aborted)
      throw new ApiProblem('stopping', 'the lab stopped before a message arrived; wait again once it has started')
    if (!found) throw await timeoutProblem(api, caller, call.input)
    const facts = await api.reader.facts(found)
    if (!facts) throw new ApiProblem('not-found', `message ${found.id} arrived and was deleted before it could be read`)
    return summarize(found, facts, call)
  },
})

interface Wanted {
  readonly matches: Matcher
  readonly readsHeader: boolean
}

/** Returns the test of the conditions. @throws ApiProblem `invalid` for an empty one, which any message would meet */
export function waitTest({ api, caller, input: wanted }: Call<Omit<WaitInput, 'timeout'>>): Wanted {
  for (const [key, value] of Object.entries(wanted)) {
    if (typeof value !== 'string' || searchable(value) !== '') continue
    const problem = value.trim() === '' ? 'is empty' : 'has no letter or digit'
    throw new ApiProblem('invalid', `${key} ${problem}, so any message would match; leave it out, or write a text`)
  }
  const { to, from, subject, text, ...query } = wanted
  const conditions = [
    ...queryConditions(query),
    ...(subject !== undefined ? [conditionOn('subject', subject)] : []),
    ...(text !== undefined ? [wordsCondition(text)] : []),
  ]
  const recipientsOf: RecipientsOf = ({ folder, entry }, facts) => recipientsFor({ api, caller }, folder, entry, facts)
  const meetsConditions = matcherOf(api.reader, conditions, { recipientsOf })
  const matches: Matcher = async (message) => {
    const { folder, entry } = message
    if (!seesFolder(caller, folder) || !seesMessage(caller, folder, entry)) return false
    if (to !== undefined && !recipientKeys(message, api.lab.directory).includes(addressKey(to))) return false
    if (from !== undefined && !(await isFrom(api, message, from))) return false
    return meetsConditions(message)
  }
  return { matches, readsHeader: conditions.some(({ ofMessage }) => ofMessage) }
}

async function isFrom(api: Api, message: IndexedMessage, part: string): Promise<boolean> {
  const facts = await api.reader.facts(message)
  const names = [message.entry.envelope?.mailFrom ?? '', facts?.from?.name ?? '', facts?.from?.address ?? '']
  return names.some((one) => searchable(one).includes(searchable(part)))
}

/**
 * Resolves with the first match, in order of arrival, that no wait of the same view has returned; undefined after the time.
 * @param lostRights returns why the caller has lost its rights. It gets nothing then, and another wait gets the message
 */
async function firstMatch(
  { api, caller, input: { to, timeout }, signal }: Call<WaitInput>,
  { matches, readsHeader }: Wanted,
  lostRights: () => ApiProblem | undefined,
): Promise<IndexedMessage | undefined> {
  const { returned } = api
  const view = viewOf(caller)
  const assertRights = (): void => {
    const problem = lostRights()
    if (problem) throw problem
  }
  const withoutRights = new AbortController()
  const unwatchRights = api.rights.watch(() => {
    if (lostRights()) withoutRights.abort()
  })
  using limit = abortAfter(timeout, signal, api.stopping, withoutRights.signal)
  try {
    const recipient = to === undefined ? undefined : addressKey(to)
    for await (const message of candidates(api, view, { name: recipient, readsHeader }, limit.signal)) {
      if (!returned.has(view, message.id) && (await matches(message))) {
        assertRights()
        if (await returned.claim(view, message.id)) return message
      }
      if (isSliceOver()) await nextSlice()
      if (limit.signal.aborted) break
    }
    assertRights()
    return undefined
  } finally {
    unwatchRights()
  }
}

/** Returns the messages that have arrived, and then those that arrive until the signal. Skips most that a wait has returned. */
async function* candidates(
  { returned, arrivals }: Api,
  view: string,
  watch: Watch,
  signal: AbortSignal,
): AsyncGenerator<IndexedMessage, void, void> {
  const reader = returned.readerOf(view)
  const isReturned = (id: string): boolean => returned.has(view, id)
  yield* arrivals.earlier(watch.name, reader, isReturned)
  for (const message of arrivals.unread(watch.name, reader, isReturned)) yield message
  // Nothing is awaited before `watch`, so that no message is missed.
  const wakeup = new Wakeup()
  let offered: { readonly message: IndexedMessage; readonly takeNext: () => void } | undefined
  const offer = (message: IndexedMessage): Promise<void> =>
    new Promise((takeNext) => {
      offered = { message, takeNext }
      wakeup.wake()
    })
  const unwatch = arrivals.watch(offer, watch)
  signal.addEventListener('abort', wakeup.wake)
  try {
    while (offered || !signal.aborted) {
      if (offered) {
        const { message, takeNext } = offered
        yield message
        offered = undefined
        takeNext()
      } else await wakeup.sleep()
    }
  } finally {
    unwatch()
    offered?.takeNext()
  }
}

/** Returns who shares what waits have returned: the tokens of a tenant, but not its accounts, which see less. */
const viewOf = ({ role, name, tenant }: Caller): string =>
  role === 'account' || tenant === undefined ? `${role} ${name}` : `tenant ${tenant.name}`

/** Returns the problem of a time-out: what did arrive, and which sessions were refused. */
async function timeoutProblem(api: Api, caller: Caller, { timeout, ...wanted }: WaitInput): Promise<ApiProblem> {
  const arrived: MessageSummary[] = []
  for await (const message of deliveredMessages(api, caller)) {
    const facts = await api.reader.facts(message)
    if (facts) arrived.push(summarize(message, facts, { api, caller }))
    if (arrived.length === MAX_LISTED) break
  }
  const refused = api.lab.sessionLog.list().filter((session) => hasFailed(session) && seesSession(caller, session))
  const sessions = refused.slice(-MAX_LISTED).map((record) => refusedSession(api, record))
  const conditions = Object.entries(wanted).map(([key, value]) => `${key} ${JSON.stringify(value)}`)
  const detail = `no message with ${conditions.join(', ') || 'any content'} arrived within ${timeout} ms, except messages that earlier waits have returned`
  const report = waitReport(detail, { arrived, sessions })
  return new ApiProblem('wait-timeout', detail, {
    report,
    arrived,
    sessions,
    hints: hints(arrived.length, refused.length),
  })
}

/** Returns the delivered messages that a caller sees, the newest first. */
async function* deliveredMessages({ index }: Api, caller: Caller): AsyncGenerator<IndexedMessage, void, void> {
  const folders = (folder: Folder): boolean => seesFolder(caller, folder)
  for await (const batch of index.batches({ folders, tests: [{ has: 'envelope' }], isNewestFirst: true })) {
    for (const message of batch) {
      const { folder, entry } = message
      if (entry.envelope && seesFolder(caller, folder) && seesMessage(caller, folder, entry)) yield message
      if (isSliceOver()) await nextSlice()
    }
  }
}

interface Happened {
  readonly arrived?: readonly MessageSummary[]
  readonly attempts?: readonly string[]
  readonly sessions?: readonly Readonly<Record<string, unknown>>[]
}

/** Returns a problem's detail, and a line for each message and session that it lists: the text that a failed test prints. */
export function waitReport(detail: string, { arrived = [], attempts = [], sessions = [] }: Happened): string {
  const lines = [
    ...arrived.map(({ subject, from, to, envelope }) => {
      const sender = from?.address || envelope?.from || 'nobody'
      const recipients = envelope?.to ?? to.map(({ address }) => address)
      return `arrived: ${JSON.stringify(subject)} from ${sender} to ${recipients.join(', ')}`
    }),
    ...attempts.map((attempt) => `begun: ${attempt}`),
    ...sessions.map(({ summary }) => `session: ${summary}`),
  ]
  const nothing = 'nothing has arrived, and no client was refused: does it connect to the port of this lab?'
  return [detail, ...(lines.length > 0 ? lines : [nothing])].join('\n  ')
}

function hints(arrived: number, refused: number): string[] {
  return [
    ...(arrived > 0
      ? ['`arrived` lists what arrived; compare the recipient and the subject']
      : ['no message has arrived']),
    ...(refused > 0
      ? [
          '`sessions` lists refused sessions; each says why in `refusals`, and GET /api/v1/sessions/ID/handshake explains more',
        ]
      : []),
    ...(arrived === 0 && refused === 0
      ? ['no client was refused either: does it connect to the port of this lab?']
      : []),
  ]
}

export const waitOperations = [wait] as const

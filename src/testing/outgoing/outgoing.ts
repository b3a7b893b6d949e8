import type { Lab } from '../../lab/lab.ts'
import { releasedForm, releaseRecipients } from '../../transport/delivery/released.ts'
import type { Outcome, OutcomeKind } from '../../transport/outgoing/record.ts'
import type { QueueEntry } from '../../transport/outgoing/types.ts'
import type { Call } from '../calls/call.ts'
import { has, patternText } from '../received/filter.ts'
import { checkMessage, type LabMessage } from '../received/message.ts'
import { type WaitOptions, wait } from '../waits/wait.ts'
import { section, WaitTimeout } from '../waits/wait-timeout.ts'

/** A message of the queue: the last reply for each recipient, attempts, times. */
export type QueuedMail = QueueEntry

/** How a message is released. */
export interface ReleaseOptions {
  /** Recipients in place of the message's. Default: the recipients of its envelope outside the lab. */
  readonly to?: string | readonly string[]
  /** Name of the connector. Default: the one for the domain of each recipient. */
  readonly connector?: string
}

/** Conditions that all must hold. A string matches anywhere in the value, in any case. */
export interface OutgoingFilter {
  /** A recipient. */
  readonly to?: string | RegExp
  /** MAIL FROM. */
  readonly from?: string | RegExp
  readonly subject?: string | RegExp
  /** Name of the connector, whole. */
  readonly connector?: string
}

/** A filter for mail that the lab sends. A string is short for `{ to: … }`. */
export type OutgoingQuery = OutgoingFilter | string

/** The arguments of a wait, as `MessageArguments`. */
export type OutgoingArguments = [filter?: OutgoingQuery, options?: WaitOptions]

const outcomeTexts: Readonly<Record<OutcomeKind, string>> = {
  sent: 'accepted by another host',
  deferred: 'deferred',
  failed: 'given up',
}

/** The mail that a lab sends to other hosts, as tests see it. */
export class TestOutgoing {
  readonly #lab: Lab
  /** Results of recipients that a wait has returned. */
  readonly #seen = new Set<string>()

  constructor(lab: Lab) {
    this.#lab = lab
  }

  list(): readonly QueuedMail[] {
    return this.#lab.outgoing.queue.list()
  }

  async release(call: Call, message: LabMessage, options: ReleaseOptions): Promise<readonly QueuedMail[]> {
    checkMessage(call, message)
    call.check('releaseOptions', options, 'options')
    const { to, connector } = options
    const { directory, outgoing } = this.#lab
    const isLocal = (one: string): boolean => directory.isLocalDomain(one.slice(one.lastIndexOf('@') + 1))
    const { envelope, session } = message
    const recipients =
      to === undefined ? releaseRecipients({ rcptTo: envelope.to, to: [], cc: [], bcc: [] }, isLocal) : [to].flat()
    const found = {
      raw: releasedForm(message.raw),
      envelope: { mailFrom: envelope.from, recipients: recipients.map((address) => ({ address })) },
      ...(connector === undefined ? {} : { connector }),
      ...(session === undefined ? {} : { session: session.id }),
      ...(session?.user === undefined ? {} : { account: session.user }),
    }
    try {
      return await outgoing.queue.add(found)
    } catch (error) {
      throw call.at(error as Error)
    }
  }

  /** Resolves with the first message with an outcome that matches and that no wait has returned yet. @throws WaitTimeout */
  wait(call: Call, kind: OutcomeKind, rest: OutgoingArguments): Promise<QueuedMail> {
    const query = call.optional<OutgoingQuery>(rest, {}, 'filter')
    const filter = typeof query === 'string' ? { to: query } : query
    call.check('outgoingFilter', filter, 'filter')
    const { record } = this.#lab.outgoing
    return wait<QueuedMail>(call, rest[1], {
      start: ({ resolve }) => {
        let isOver = false
        const examine = ({ entry }: Outcome): void => {
          if (isOver || !matchesMail(entry, filter)) return
          const results = resultsIn(entry, kind, filter.to).filter((one) => !this.#seen.has(one))
          if (results.length === 0) return
          isOver = true
          for (const one of results) this.#seen.add(one)
          resolve(entry)
        }
        const unwatch = record.watch(examine)
        for (const outcome of record.outcomes) examine(outcome)
        return unwatch
      },
      timedOut: (timeoutMs) =>
        new WaitTimeout(
          [
            `no message with ${describe(filter)} was ${outcomeTexts[kind]} within ${timeoutMs} ms`,
            ...section('results of attempts', record.outcomes.map(outcomeText), 'more'),
            ...section('messages that wait', this.list().map(entryText), 'more'),
          ].join('\n'),
        ),
    })
  }
}

/** Returns a key for each recipient with a result. A message is deferred several times, but sent and given up once. */
function resultsIn(entry: QueuedMail, wanted: OutcomeKind, to: OutgoingFilter['to']): string[] {
  const found = entry.recipients.filter(
    ({ address, kind }) => kind === wanted && (to === undefined || has(to, address)),
  )
  const attempt = wanted === 'deferred' ? entry.attempts : ''
  return found.map(({ address }) => `${entry.id} ${entry.queuedAt} ${address} ${wanted} ${attempt}`)
}

/** Compares everything but the recipients. */
const matchesMail = ({ mailFrom, subject = '', connector }: QueuedMail, filter: OutgoingFilter): boolean =>
  (filter.from === undefined || has(filter.from, mailFrom)) &&
  (filter.subject === undefined || has(filter.subject, subject)) &&
  (filter.connector ?? connector) === connector

function describe(filter: OutgoingFilter): string {
  const wanted = Object.entries(filter).map(([key, value]) => `${key} ${patternText(value)}`)
  return wanted.length === 0 ? 'any content' : wanted.join(', ')
}

/** Describes a result in one line: `deferred: from <a@lab.test> to <b@example.test>: 451 4.7.1 Later`. */
const outcomeText = ({ kind, entry }: Outcome): string => `${kind}: ${entryText(entry)}`

function entryText({ mailFrom, recipients, connector }: QueuedMail): string {
  const reply = recipients.find(({ text }) => text !== undefined)?.text
  const to = recipients.map(({ address }) => address).join('>, <')
  return `from <${mailFrom}> to <${to}> by ${connector}${reply === undefined ? '' : `: ${reply}`}`
}

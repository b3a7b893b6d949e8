import type { ServerProtocol } from '../../core/config/schema.ts'
import type { SessionLog } from '../../core/sessions/log.ts'
import type { SessionRecord } from '../../core/sessions/types.ts'
import type { Call } from '../calls/call.ts'
import { type WaitOptions, wait } from '../waits/wait.ts'
import { sessionLines, WaitTimeout } from '../waits/wait-timeout.ts'
import type { Arrivals } from './arrivals.ts'
import { checkedAnswer, has, patternText } from './filter.ts'
import type { Scope } from './scope.ts'

/** Conditions on a session that all must hold. */
export interface SessionFilter {
  /** The account that has logged on: its whole name in any case, or a pattern. */
  readonly user?: string | RegExp
  readonly protocol?: ServerProtocol
  /** The name of the virtual server. */
  readonly virtualServer?: string
  /** true: under TLS. false: in clear text so far. */
  readonly tls?: boolean
  /** Something was refused: anything (`true`), or a reason that contains a text or matches a pattern. false: nothing so far. */
  readonly refused?: boolean | string | RegExp
  /** true: the connection has ended. false: it is open. */
  readonly ended?: boolean
  /** Any other condition, for example on `transcript`. It is asked at every line. */
  readonly matches?: (session: SessionRecord) => boolean
}

/** A refusal by a server, or by a fault in its place: of a handshake, a log-on, a command or a message. */
export interface Refusal {
  /** The reply or the reason. It names the fault, if one made it: `550 5.1.1 No (fault: reply)`. */
  readonly reason: string
  readonly session: SessionRecord
}

/** Whether a session satisfies each key of a filter. */
const conditions: {
  readonly [K in keyof SessionFilter]-?: (record: SessionRecord, wanted: NonNullable<SessionFilter[K]>) => boolean
} = {
  user: ({ user = '' }, wanted) =>
    typeof wanted === 'string' ? user.toLowerCase() === wanted.toLowerCase() : user !== '' && has(wanted, user),
  protocol: ({ protocol }, wanted) => protocol === wanted,
  virtualServer: ({ virtualServer }, wanted) => virtualServer === wanted,
  tls: ({ tls }, wanted) => (tls !== undefined) === wanted,
  refused: ({ refusals }, wanted) =>
    typeof wanted === 'boolean' ? refusals.length > 0 === wanted : refusals.some((reason) => has(wanted, reason)),
  ended: ({ endedAt }, wanted) => (endedAt !== undefined) === wanted,
  matches: (record, isMatch) => checkedAnswer(isMatch(record)),
}

const keys = Object.keys(conditions) as readonly (keyof SessionFilter)[]

function meets<K extends keyof SessionFilter>(key: K, record: SessionRecord, filter: SessionFilter): boolean {
  const wanted = filter[key]
  return wanted === undefined || conditions[key](record, wanted as never)
}

/** Returns whether a session satisfies all keys of a filter. */
export const matchesSession = (record: SessionRecord, filter: SessionFilter): boolean =>
  keys.every((key) => meets(key, record, filter))

/** Describes a filter: `user "alice", protocol "imap4"`. */
function describe(filter: SessionFilter): string {
  const wanted = keys.flatMap((key) => {
    const value = filter[key]
    if (value === undefined) return []
    if (typeof value === 'function') return ['a `matches` function']
    return [`${key} ${typeof value === 'boolean' ? value : patternText(value)}`]
  })
  return wanted.length === 0 ? '' : ` with ${wanted.join(', ')}`
}

/** The sessions that a test sees. */
export class WatchedSessions {
  readonly #log: SessionLog
  readonly #scope: Scope

  constructor(log: SessionLog, scope: Scope) {
    this.#log = log
    this.#scope = scope
  }

  list(): readonly SessionRecord[] {
    return this.#log.list().filter((record) => this.#scope.ownsSession(record))
  }

  /** Resolves with the oldest session that matches, as soon as one does. @throws WaitTimeout, which lists the sessions */
  wait(
    call: Call,
    filter: SessionFilter,
    options: WaitOptions | undefined,
    arrivals: Pick<Arrivals, 'onClosed'>,
  ): Promise<SessionRecord> {
    const isWanted = (record: SessionRecord): boolean =>
      matchesSession(record, filter) && this.#scope.ownsSession(record)
    return wait(call, options, {
      start: ({ resolve, reject }) => {
        const examine = (record: SessionRecord): void => {
          try {
            if (isWanted(record)) resolve(record)
          } catch (error) {
            reject(error)
          }
        }
        for (const record of this.#log.list()) examine(record)
        const ends = [
          this.#log.observe(({ record }) => examine(record)),
          arrivals.onClosed(() =>
            reject(
              call.at(new Error('the lab was stopped, so a wait for a session cannot succeed; wait before lab.stop()')),
            ),
          ),
        ]
        return () => {
          for (const end of ends) end()
        }
      },
      timedOut: (timeoutMs) =>
        new WaitTimeout(
          [`no session${describe(filter)} within ${timeoutMs} ms`, ...sessionLines(this.list())].join('\n'),
        ),
    })
  }

  /** Calls `listener` when a session ends. */
  watchEnds(listener: (record: SessionRecord) => void): () => void {
    return this.#log.watch((record) => {
      if (this.#scope.ownsSession(record)) listener(record)
    })
  }

  /** Calls `listener` at each refusal. */
  watchRefusals(listener: (refusal: Refusal) => void): () => void {
    return this.#log.observe(({ record, refusal }) => {
      if (refusal !== undefined && this.#scope.ownsSession(record)) listener({ reason: refusal, session: record })
    })
  }

  /** Calls `listener` at each change of any session. */
  watchChanges(listener: () => void): () => void {
    return this.#log.observe(listener)
  }
}

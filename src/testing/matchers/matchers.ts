import type { SessionRecord } from '../../core/sessions/types.ts'
import { Call } from '../calls/call.ts'
import type { LabMessage } from '../received/message.ts'
import type { MessageArguments, MessageQuery } from '../received/receiver.ts'
import { type AuthenticationMatchers, authenticationMatchers, type MatcherResult } from './authentication-matchers.ts'
import { type CheckMatchers, checkMatchers } from './check-matchers.ts'

/** A receiver of messages: a lab or a tenant. */
export interface ReceiverOfMessages {
  messages(...rest: [filter?: MessageQuery]): Promise<LabMessage[]>
  receives(...rest: MessageArguments): Promise<LabMessage>
}

/** The minimum strength of a TLS channel. */
export interface EncryptionWish {
  /** Bits of the symmetric cipher; default 128. */
  readonly bits?: number
  /** `TLSv1.2`, `TLSv1.3` … */
  readonly version?: string
}

/** The matchers as methods of what `expect` returns, for runners that let others add to that type. */
export interface LabMatchers<Result> extends AuthenticationMatchers<Result>, CheckMatchers<Result> {
  /** Passes if a matching message has arrived or arrives before the timeout. With `.not`: if none has arrived so far. */
  toHaveReceived(...rest: MessageArguments): Promise<Result>
  /** Passes if the message or session used a TLS channel of at least this strength (default: TLS, 128 bits). */
  toHaveBeenEncrypted(wish?: EncryptionWish): Result
}

/** Matchers for `expect.extend`, of vitest and of Jest alike. */
export const matchers = {
  ...authenticationMatchers,
  ...checkMatchers,

  /**
   * Checks `await expect(lab).toHaveReceived({ to: 'bob', subject: /welcome/ })`: a matching message has arrived or arrives before
   * the timeout. `waitForMessage` can still return it. With `.not`: no matching message has arrived so far.
   */
  async toHaveReceived(
    this: { readonly isNot?: boolean } | undefined,
    received: ReceiverOfMessages,
    ...rest: MessageArguments
  ): Promise<MatcherResult> {
    if (typeof received?.receives !== 'function') {
      throw new TypeError('toHaveReceived: expect(…) takes a lab or a tenant: await expect(lab).toHaveReceived(filter)')
    }
    if (this?.isNot) {
      const found = await received.messages(...(rest.slice(0, 1) as [MessageQuery?]))
      const subjects = found.map(({ subject }) => JSON.stringify(subject)).join(', ')
      return { pass: found.length > 0, message: () => `expected no matching message, but these arrived: ${subjects}` }
    }
    try {
      await received.receives(...rest)
      return { pass: true, message: () => 'expected no matching message, but one arrived' }
    } catch (error) {
      const { name, message } = error as Error
      if (name !== 'WaitTimeout') throw error
      return { pass: false, message: () => message }
    }
  },

  /** Checks a session, or the session that delivered a message: `expect(message).toHaveBeenEncrypted({ version: 'TLSv1.3' })`. */
  toHaveBeenEncrypted(received: LabMessage | SessionRecord, wish: EncryptionWish = {}): MatcherResult {
    new Call('toHaveBeenEncrypted', matchers.toHaveBeenEncrypted).check('encryption', wish, 'wish')
    // Not `instanceof`: a project can load the library twice, as ES modules and as CommonJS.
    const isMessage = typeof received === 'object' && received !== null && 'session' in received
    if (!isMessage && typeof received?.virtualServer !== 'string') {
      throw new TypeError('toHaveBeenEncrypted: expect(…) takes a message or a session record; is an await missing?')
    }
    const session = isMessage ? received.session : received
    const { bits = 128, version } = wish
    const tls = session?.tls
    const pass = tls !== undefined && tls.bits >= bits && (version === undefined || atLeast(tls.version, version))
    const actual = tls ? `${tls.version} with ${tls.cipher}, ${tls.bits} bits` : session ? 'clear text' : 'no session'
    const minimum = `${version ?? 'TLS'} with ${bits} bits`
    return { pass, message: () => `expected ${pass ? 'less than' : 'at least'} ${minimum}; it was ${actual}` }
  },
}

const versions = ['SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']
const atLeast = (version: string, minimum: string): boolean => versions.indexOf(version) >= versions.indexOf(minimum)

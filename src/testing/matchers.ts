import type { SessionRecord } from '../sessions/types.ts'
import type { WaitOptions } from './delivered-mail.ts'
import { LabMessage, type MessageFilter } from './message.ts'

/** What has received messages: a lab, or a tenant. */
interface Receiver {
  messages(filter?: MessageFilter): Promise<LabMessage[]>
  receives(filter: MessageFilter, options?: WaitOptions): Promise<LabMessage>
}

export interface MatcherResult {
  readonly pass: boolean
  readonly message: () => string
}

/** How strong a channel has to be, at least. */
export interface EncryptionWish {
  /** Bits of the symmetric cipher; default 128. */
  readonly bits?: number
  /** `TLSv1.2`, `TLSv1.3` … */
  readonly version?: string
}

/** Matchers for `expect.extend`, of vitest and of Jest alike. */
export const matchers = {
  /**
   * `await expect(lab).toHaveReceived({ to: 'bob', subject: /welcome/ })`: such a message has come, or comes within the
   * time-out. It is not taken: `waitForMessage` gives it still. With `.not`: none has come yet.
   */
  async toHaveReceived(
    this: { readonly isNot?: boolean } | undefined,
    received: Receiver,
    filter: MessageFilter = {},
    options: WaitOptions = {},
  ): Promise<MatcherResult> {
    if (this?.isNot) {
      const found = await received.messages(filter)
      const subjects = found.map(({ subject }) => JSON.stringify(subject)).join(', ')
      return { pass: found.length > 0, message: () => `such messages have come: ${subjects}` }
    }
    try {
      await received.receives(filter, options)
      return { pass: true, message: () => 'such a message has come' }
    } catch (error) {
      const { name, message } = error as Error
      if (name !== 'WaitTimeout') throw error
      return { pass: false, message: () => message }
    }
  },

  /** `expect(message).toHaveBeenEncrypted({ version: 'TLSv1.3' })`, of the session that brought a message, or of a session record. */
  toHaveBeenEncrypted(received: LabMessage | SessionRecord, wish: EncryptionWish = {}): MatcherResult {
    const session = received instanceof LabMessage ? received.session : received
    const { bits = 128, version } = wish
    const tls = session?.tls
    const pass = tls !== undefined && tls.bits >= bits && (version === undefined || atLeast(tls.version, version))
    const was = tls ? `${tls.version} with ${tls.cipher}, ${tls.bits} bits` : session ? 'in clear' : 'by no session'
    const wanted = `at least ${version ?? 'TLS'} with ${bits} bits`
    return { pass, message: () => `it came ${was}; ${pass ? 'less was expected' : `expected: ${wanted}`}` }
  },
}

const versions = ['SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']
const atLeast = (version: string, wanted: string): boolean => versions.indexOf(version) >= versions.indexOf(wanted)

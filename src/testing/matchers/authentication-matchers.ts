import type { MessageAuthentication } from '../../mail/format/authentication-results.ts'
import { Call } from '../calls/call.ts'
import type { LabMessage } from '../received/message.ts'

/** The result that a matcher returns to `expect`. */
export interface MatcherResult {
  readonly pass: boolean
  readonly message: () => string
}

/** Properties that a passing DKIM signature must have. */
export interface DkimWish {
  /** The domain that signed (`d=`). Default: any. */
  readonly domain?: string
  readonly selector?: string
}

/** The matchers for SPF, DKIM and DMARC as methods of what `expect` returns. */
export interface AuthenticationMatchers<Result> {
  /** Passes if DMARC of the message passes: SPF or DKIM passes for the domain of its From field. */
  toPassDmarc(): Result
  /** Passes if a DKIM signature of the message is valid: of any domain, or of the wanted one. */
  toPassDkim(wish?: DkimWish): Result
  /** Passes if the client was allowed to send for the domain of MAIL FROM. */
  toPassSpf(): Result
}

/** @throws TypeError for a value that is not a message, or a message without results */
function resultsOf(matcher: string, message: LabMessage): MessageAuthentication {
  // Not `instanceof`: a project can load the library twice, as ES modules and as CommonJS.
  if (typeof message !== 'object' || message === null || !('authentication' in message)) {
    throw new TypeError(`${matcher}: expect(…) takes a message; is an await missing?`)
  }
  if (message.authentication) return message.authentication
  throw new TypeError(
    `${matcher}: the message was not checked; set mail.authentication.check to on-arrival or on-demand`,
  )
}

const because = (reason: string | undefined): string => (reason === undefined ? '' : ` (${reason})`)

const spfText = ({ spf }: MessageAuthentication): string =>
  `spf=${spf.result}${because(spf.reason)} for ${spf.domain || 'no domain'}`
const dkimText = ({ dkim }: MessageAuthentication): string =>
  dkim
    .map(
      ({ result, reason, domain, selector }) => `dkim=${result}${because(reason)} for ${selector}._domainkey.${domain}`,
    )
    .join(', ') || 'no DKIM signature'
const dmarcText = ({ dmarc }: MessageAuthentication): string =>
  `dmarc=${dmarc.result}${because(dmarc.reason)} for ${dmarc.domain || 'no domain'}`

/** Matchers for `expect.extend`, of vitest and of Jest alike. */
export const authenticationMatchers = {
  /** Checks `expect(await lab.waitForMessage()).toPassDmarc()`. */
  toPassDmarc(received: LabMessage): MatcherResult {
    const results = resultsOf('toPassDmarc', received)
    const pass = results.dmarc.result === 'pass'
    const actual = [dmarcText, spfText, dkimText].map((text) => text(results)).join('; ')
    return { pass, message: () => `expected DMARC ${pass ? 'not to pass' : 'to pass'}: ${actual}` }
  },

  /** Checks `expect(message).toPassDkim({ domain: 'example.test' })`. */
  toPassDkim(received: LabMessage, wish: DkimWish = {}): MatcherResult {
    new Call('toPassDkim', authenticationMatchers.toPassDkim).check('dkim', wish, 'wish')
    const { domain, selector } = wish
    const results = resultsOf('toPassDkim', received)
    const pass = results.dkim.some(
      (one) =>
        one.result === 'pass' &&
        (domain === undefined || one.domain === domain.toLowerCase()) &&
        (selector === undefined || one.selector === selector),
    )
    const wanted = domain === undefined ? 'a valid DKIM signature' : `a valid DKIM signature of ${domain}`
    return { pass, message: () => `expected ${pass ? 'no valid DKIM signature' : wanted}: ${dkimText(results)}` }
  },

  /** Checks `expect(message).toPassSpf()`. */
  toPassSpf(received: LabMessage): MatcherResult {
    const results = resultsOf('toPassSpf', received)
    const pass = results.spf.result === 'pass'
    return { pass, message: () => `expected SPF ${pass ? 'not to pass' : 'to pass'}: ${spfText(results)}` }
  },
}

import type { Finding } from '../../mail/checks/findings.ts'
import { Call } from '../calls/call.ts'
import type { LabMessage } from '../received/message.ts'
import type { MatcherResult } from './authentication-matchers.ts'

/** The requirements of `toHaveValidUnsubscribe`. */
export interface UnsubscribeWish {
  /** Whether a valid DKIM signature must cover the fields. Default: true. `false` is for mail that another server signs. */
  readonly signed?: boolean
}

/** The matchers for the checks of a message (`mail.check()`). Await them. */
export interface CheckMatchers<Result> {
  /** Passes if List-Unsubscribe and one-click unsubscribe are right (RFC 8058). */
  toHaveValidUnsubscribe(wish?: UnsubscribeWish): Promise<Result>
  /** Passes if mail programs such as `outlook`, `gmail` or `Outlook (Windows)` support the HTML, CSS and images. */
  toBeSupportedBy(client: string): Promise<Result>
  /** Passes if every link has an absolute, well-formed target, and no text names another site. No link is opened. */
  toHaveNoBrokenLinks(): Promise<Result>
  /** Passes if the HTML has no findings of the check `accessibility`, except notes. */
  toBeAccessible(): Promise<Result>
}

/** Returns the findings about a message. @throws TypeError for a value that is not a message */
async function findingsOf(matcher: string, message: LabMessage): Promise<readonly Finding[]> {
  // Not `instanceof`: a project can load the library twice, as ES modules and as CommonJS.
  if (typeof message?.check === 'function') return message.check()
  throw new TypeError(`${matcher}: expect(…) takes a message; is an await missing?`)
}

const describe = ({ level, line, message, source }: Finding): string =>
  `  ${level}${line === null ? '' : `, line ${line}`}: ${message} (${source})`

function resultOf(found: readonly Finding[], wish: string): MatcherResult {
  const pass = found.length === 0
  return {
    pass,
    message: () =>
      pass
        ? `expected the message not to ${wish}`
        : [`expected the message to ${wish}, but:`, ...found.map(describe)].join('\n'),
  }
}

const NONE: Finding = {
  check: 'unsubscribe',
  level: 'error',
  message: 'the message has no List-Unsubscribe',
  line: null,
  at: null,
  clients: [],
  source: 'RFC 2369 section 3.2',
}

/** Matchers for `expect.extend`, of vitest and of Jest alike. */
export const checkMatchers = {
  /** Checks `await expect(message).toHaveValidUnsubscribe()`. */
  async toHaveValidUnsubscribe(received: LabMessage, wish: UnsubscribeWish = {}): Promise<MatcherResult> {
    new Call('toHaveValidUnsubscribe', checkMatchers.toHaveValidUnsubscribe).check('unsubscribe', wish, 'wish')
    const all = await findingsOf('toHaveValidUnsubscribe', received)
    const found = all.filter(
      ({ check, source }) => check === 'unsubscribe' && (wish.signed !== false || source !== 'RFC 8058 section 4'),
    )
    const isMissing = !received.headers.has('list-unsubscribe') && found.length === 0
    return resultOf(isMissing ? [NONE] : found, 'have a valid List-Unsubscribe with one-click')
  },

  /** Checks `await expect(message).toBeSupportedBy('outlook')`. */
  async toBeSupportedBy(received: LabMessage, client: string): Promise<MatcherResult> {
    const { testedPrograms } = await import('../../mail/checks/html-support.ts')
    const clients = testedPrograms().map(({ name }) => name)
    const isWanted = (name: string): boolean => name.toLowerCase().startsWith(`${client}`.toLowerCase())
    if (typeof client !== 'string' || client === '' || !clients.some(isWanted))
      throw new TypeError(
        `toBeSupportedBy: ${JSON.stringify(client) ?? client} matches no mail program; give the beginning of one of these names: ${clients.join(', ')}`,
      )
    const found = (await findingsOf('toBeSupportedBy', received)).flatMap((one) => {
      if (!/^(?:html-support|images|size)$/.test(one.check) || one.level === 'info') return []
      const lacking = one.clients.filter(isWanted)
      return lacking.length === 0 ? [] : [{ ...one, message: `${one.message}, such as ${lacking.join(', ')}` }]
    })
    return resultOf(found, `be supported by ${client}`)
  },

  /** Checks `await expect(message).toHaveNoBrokenLinks()`. */
  async toHaveNoBrokenLinks(received: LabMessage): Promise<MatcherResult> {
    const all = await findingsOf('toHaveNoBrokenLinks', received)
    return resultOf(
      all.filter(({ check, level }) => check === 'links' && level === 'error'),
      'have no broken links',
    )
  },

  /** Checks `await expect(message).toBeAccessible()`. */
  async toBeAccessible(received: LabMessage): Promise<MatcherResult> {
    const all = await findingsOf('toBeAccessible', received)
    return resultOf(
      all.filter(({ check, level }) => check === 'accessibility' && level !== 'info'),
      'be accessible',
    )
  },
}

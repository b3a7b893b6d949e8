import { MISSING_DOMAIN, MISSING_MAILBOX, parseAddresses, SYNTAX_ERROR } from '../../mail/format/addresses.ts'
import type { Article } from './article.ts'

/** Values that the address parser returns for missing parts of an address. */
const STAND_INS = new Set([MISSING_MAILBOX, MISSING_DOMAIN, SYNTAX_ERROR])

/** Returns the mailbox of the From field, or an empty string if it has none. */
export function senderOf(article: Article): string {
  const [from] = parseAddresses(article.value('from') ?? '')
  const hasAddress = from?.mailbox && from.host && ![from.mailbox, from.host].some((part) => STAND_INS.has(part))
  return hasAddress ? `${from.mailbox}@${from.host}` : ''
}

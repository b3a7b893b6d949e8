import { isWritten, parseAddresses } from '../../mail/format/addresses.ts'
import type { Article } from './article.ts'

/** Returns the mailbox of the From field, or an empty string if it has none. */
export function senderOf(article: Article): string {
  const [from] = parseAddresses(article.value('from') ?? '')
  return from && isWritten(from) ? `${from.mailbox}@${from.host}` : ''
}

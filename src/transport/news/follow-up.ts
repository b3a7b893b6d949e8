import { messageIds } from '../../mail/format/message-ids.ts'
import { decodeWords } from '../../mail/format/words.ts'
import type { Article, LowerCase } from './article.ts'

/** The beginning of a follow-up to an article. */
interface FollowUp {
  /** Empty if the author wants answers by mail. */
  readonly newsgroups: readonly string[]
  /** Decoded. */
  readonly subject: string
  /** Further fields by their names. */
  readonly headers: Readonly<Record<string, string>>
  /** Address for an answer by mail, with its name: Reply-To or From of the article, decoded. */
  readonly mailTo: string
}

/** Longest References field, with its name. RFC 5537 section 3.4.4 */
const MAX_REFERENCES_CHARS = 998
/** Identifiers that are never left out: the first, and this many of the last. RFC 5537 section 3.4.4 */
const KEPT_LAST = 2

/** Returns the beginning of a follow-up to an article. RFC 5537 section 3.4.3. */
export function followUpTo(article: Article): FollowUp {
  const text = (name: LowerCase): string => decodeWords(article.value(name) ?? '').trim()
  const wanted = namesIn(article.value('followup-to'))
  const byMail = wanted.length === 1 && wanted[0]?.toLowerCase() === 'poster' // RFC 5536 section 3.2.6
  const distribution = text('distribution')
  const references = referencesTo(article)
  return {
    newsgroups: byMail ? [] : wanted.length > 0 ? wanted : article.newsgroups(),
    subject: withRe(text('subject')),
    headers: {
      ...(references === '' ? {} : { References: references }),
      ...(distribution === '' ? {} : { Distribution: distribution }),
    },
    mailTo: text('reply-to') || text('from'),
  }
}

const namesIn = (value: string | undefined): string[] =>
  (value ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')

/** Other marks of answers, such as `Aw:`, are left as they are. RFC 5537 section 3.4.3 step 3 */
const withRe = (subject: string): string => (/^re: /i.test(subject) ? subject : `Re: ${subject}`)

/** Returns the References of a follow-up. RFC 5537 section 3.4.4. */
function referencesTo(article: Article): string {
  const ids = [...messageIds(article.value('references') ?? ''), ...messageIds(article.value('message-id') ?? '')]
  const kept = [...new Set(ids)]
  const isTooLong = (): boolean => `References: ${kept.join(' ')}`.length > MAX_REFERENCES_CHARS
  while (kept.length > 1 + KEPT_LAST && isTooLong()) kept.splice(1, 1)
  return kept.join(' ')
}

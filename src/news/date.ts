import type { Clock } from '../common/clock.ts'
import { parseDate } from '../mail/dates.ts'
import type { Article } from './article.ts'
import { ArticleRefused } from './errors.ts'

const DAY_MS = 86_400_000

/**
 * Refuses a date that is none, or lies more than a day ahead. RFC 5537 sections 3.5 and 3.6. Old articles are taken: a
 * lab's archives are older than any cut-off, and the history keeps duplicates out.
 * @throws ArticleRefused
 */
export function checkDate(article: Article, clock: Clock): void {
  for (const name of ['Date', 'Injection-Date']) {
    const value = article.value(name)
    if (value === undefined) continue
    const at = parseDate(value)?.getTime()
    if (at === undefined) throw new ArticleRefused('invalid', `not a date: ${name}: ${value.slice(0, 60)}`)
    if (at > clock.now() + DAY_MS)
      throw new ArticleRefused('invalid', `${name} lies in the future: ${value.slice(0, 60)}`)
  }
}

import type { Folder } from '../../storage/store/folder.ts'
import type { Article } from './article.ts'
import { ArticleRefused } from './article.ts'
import { senderOf } from './sender.ts'
import type { NewsContext } from './types.ts'

/** Names each site whose gateway has mailed an article, so that it is not posted there again. RFC 5537 section 3.9.1. */
const LOOP_FIELD = 'X-News-Gateway'

/** Fields of news that the mail leaves out, and those that belong to another delivery. */
const NOT_MAILED = new Set(
  'path xref injection-info injection-date cancel-key bcc return-path list-id list-post'.split(' '),
)

/**
 * Mails an article to the addresses in `gateway` of its groups, each once. An address that cannot get it is logged: the
 * article is stored already. RFC 5537 section 3.9.1.
 */
export async function mailOut(news: NewsContext, article: Article, groups: readonly Folder[]): Promise<void> {
  const done = new Set<string>()
  for (const group of groups) {
    for (const to of group.newsgroup?.gateway ?? []) {
      if (done.has(to.toLowerCase())) continue
      done.add(to.toLowerCase())
      try {
        await news.mail({ from: senderOf(article), to, raw: articleAsMail(news, article, group) })
      } catch (err) {
        news.log.error({ err, newsgroup: group.name, to }, 'gateway: the article cannot be mailed')
      }
    }
  }
}

function articleAsMail(news: NewsContext, article: Article, { name, newsgroup }: Folder): Buffer {
  const group = Buffer.from(name).toString('latin1')
  const [address] = newsgroup?.addresses ?? []
  const lines = [
    `${LOOP_FIELD}: ${news.hostname}`,
    `List-Id: <${group}.${news.hostname}>`, // RFC 2919
    `List-Post: ${address === undefined ? 'NO' : `<mailto:${address}>`}`, // RFC 2369 section 3.4
    'Precedence: list',
  ]
  // A group of addresses that is empty: RFC 5322 section 3.4
  if (!article.has('to') && !article.has('cc')) lines.push(`To: ${/^[\w.+-]+$/.test(name) ? name : 'newsgroup'}:;`)
  return article.rebuilt(NOT_MAILED, lines)
}

/** Refuses a mail that the gateway of this site has sent. RFC 5537 section 3.9.1. @throws ArticleRefused `duplicate` */
export function checkLoop(news: NewsContext, mail: Article): void {
  if (!mail.values(LOOP_FIELD).includes(news.hostname)) return
  throw new ArticleRefused('duplicate', `the mail is an article of ${news.hostname}`)
}

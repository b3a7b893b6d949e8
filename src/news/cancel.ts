import { createHash } from 'node:crypto'
import { Article } from './article.ts'
import type { NewsService } from './news-service.ts'

/**
 * Takes an article out of its groups. One that has not come yet is refused when it comes. RFC 5537 section 5.3.
 * @param request the cancel message, or the article that supersedes
 */
export async function cancel(news: NewsService, request: Article, messageId: string): Promise<void> {
  const locations = await news.store.locate(messageId)
  const [first] = locations
  if (!first) {
    await news.store.remember(messageId)
    return
  }
  const raw = await news.store.read(first.folder.id, first.uid)
  if (raw && !mayCancel(request, new Article(raw))) {
    news.log.info({ messageId }, 'cancel refused: it has no key to the Cancel-Lock of the article')
    return
  }
  for (const { folder, uid } of locations) await news.store.expunge(folder.id, [uid])
}

/** An article with a Cancel-Lock is taken back by its key alone. RFC 8315 section 3.3. */
function mayCancel(request: Article, target: Article): boolean {
  const locks = elements(target.value('cancel-lock'))
  if (locks.length === 0) return true
  return elements(request.value('cancel-key')).some((key) => locks.includes(lockOf(key)))
}

/** `scheme:base64`, separated by white space; schemes in any case. RFC 8315 section 2. */
const elements = (value: string | undefined): string[] =>
  (value ?? '')
    .split(/[ \t]+/)
    .filter((element) => element.includes(':'))
    .map((element) => element.replace(/^[^:]+/, (scheme) => scheme.toLowerCase()))

/** The lock that a key opens: the hash of the key's base64 text. RFC 8315 section 3.1. */
function lockOf(key: string): string {
  const [scheme = '', secret = ''] = key.split(':')
  if (scheme !== 'sha256' && scheme !== 'sha1') return ''
  return `${scheme}:${createHash(scheme).update(secret).digest('base64')}`
}

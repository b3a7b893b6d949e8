import { codePoints, globMatches, parseGlob } from '../../core/text/glob.ts'
import { type Article, ArticleRefused } from './article.ts'
import { verifySignature } from './pgp.ts'
import { senderOf } from './sender.ts'
import type { ControlSender, GroupControlKind, NewsContext } from './types.ts'
import { everything, parseWildmat, type Wildmat } from './wildmat.ts'

/**
 * Returns the groups for which the sender of a control message may send it: all groups if no senders are configured.
 * @param target the group that it names; undefined for checkgroups
 * @throws ArticleRefused with the reason
 */
export async function permittedGroups(
  news: NewsContext,
  article: Article,
  kind: GroupControlKind,
  target: string | undefined,
): Promise<Wildmat> {
  if (news.controlSenders.length === 0) return everything
  const rows = news.controlSenders.filter((row) => row.allow.includes(kind) && isFrom(row, article))
  if (rows.length === 0) throw new ArticleRefused('forbidden', `news.senders does not allow ${kind} from this sender`)
  let failure: ArticleRefused | undefined
  for (const { keyFile, groups } of rows) {
    const covered = parseWildmat(groups) ?? (() => false)
    if (target !== undefined && !covered(target)) continue
    try {
      if (keyFile !== undefined) await verifySignature(article, keyFile)
      return covered
    } catch (error) {
      if (!(error instanceof ArticleRefused)) throw error
      failure = error
    }
  }
  throw failure ?? new ArticleRefused('forbidden', `news.senders does not allow ${kind} of ${target} from this sender`)
}

function isFrom({ from }: ControlSender, article: Article): boolean {
  const glob = parseGlob(from.toLowerCase(), 'stars') ?? []
  return globMatches(glob, codePoints(senderOf(article).toLowerCase()))
}

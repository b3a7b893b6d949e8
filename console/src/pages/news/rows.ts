import type { Schemas } from '../../api/client.ts'

export type NewsThread = Schemas['NewsThread']
type ThreadArticle = Schemas['ThreadArticle']

/** A line of the list: an article, and what is below it in its thread. */
export interface Row {
  readonly article: ThreadArticle
  /** Number of articles below it, and how many of them are unread. */
  readonly below: number
  readonly unreadBelow: number
  readonly isCollapsed: boolean
  /** Whether its subject differs from the article above it. */
  readonly isNewSubject: boolean
}

const base = (subject: string): string => subject.replace(/^(?:re:\s*)+/i, '').trim()

/** Returns the lines for threads. Articles below a collapsed one have none. */
export function rowsOf(threads: readonly NewsThread[], collapsed: ReadonlySet<string>): readonly Row[] {
  return threads.flatMap(({ articles }) => {
    const rows: Row[] = []
    const subjects = new Map(articles.map(({ id, subject }) => [id, base(subject)]))
    let hiddenBelow = Number.POSITIVE_INFINITY
    for (const [at, article] of articles.entries()) {
      const { id, depth, parent, subject } = article
      if (depth > hiddenBelow) continue
      const next = articles.findIndex((one, index) => index > at && one.depth <= depth)
      const below = articles.slice(at + 1, next === -1 ? undefined : next)
      const isCollapsed = below.length > 0 && collapsed.has(id)
      hiddenBelow = isCollapsed ? depth : Number.POSITIVE_INFINITY
      rows.push({
        article,
        below: below.length,
        unreadBelow: below.filter(({ read }) => !read).length,
        isCollapsed,
        isNewSubject: parent === null || subjects.get(parent) !== base(subject),
      })
    }
    return rows
  })
}

/** Returns the place of an article in the list, or of the collapsed one that hides it; -1 if neither is there. */
export function rowIndex(rows: readonly Row[], threads: readonly NewsThread[], id: string | undefined): number {
  if (id === undefined) return -1
  const places = new Map(rows.map(({ article }, at) => [article.id, at]))
  const parents = new Map(threads.flatMap(({ articles }) => articles.map((one) => [one.id, one.parent])))
  for (let at: string | null | undefined = id; at; at = parents.get(at)) {
    const place = places.get(at)
    if (place !== undefined) return place
  }
  return -1
}

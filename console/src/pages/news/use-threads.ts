import { useMemo, useState } from 'preact/hooks'
import { call } from '../../api/client.ts'
import { problemOf } from '../../api/problem.ts'
import { useLive } from '../../api/use-live.ts'
import { notifyProblem } from '../../components/toast.tsx'
import { navigate, useRoute } from '../../router.ts'
import { isOfNews, type Newsgroup } from './groups.ts'
import { type GroupPlace, groupPath } from './place.ts'
import { type NewsThread, type Row, rowIndex, rowsOf } from './rows.ts'

/** Threads on a page of the list. */
export const PAGE_THREADS = 100

/** The threads of a newsgroup, and what is done with them. */
export interface Threads {
  readonly place: GroupPlace
  readonly group: Newsgroup
  readonly list: ReturnType<typeof useList>
  /** The lines that are shown. */
  readonly rows: readonly Row[]
  /** The line of the open article; -1: none. */
  readonly active: number
  readonly open: (id: string) => void
  readonly close: () => void
  /** Opens the article that is so many lines away from the open one. */
  readonly step: (by: number) => void
  /** Opens the next article that is unread, and expands its thread. */
  readonly nextUnread: () => void
  readonly collapse: (id: string, isCollapsed: boolean) => void
  /** Collapses all threads, or expands everything. */
  readonly collapseAll: (isCollapsed: boolean) => void
  readonly show: (change: Partial<Pick<GroupPlace, 'search' | 'page'>>) => void
}

const useList = ({ name, search, page }: GroupPlace, folder: string) =>
  useLive(
    async () => {
      const query = search.trim() || undefined
      const offset = (page - 1) * PAGE_THREADS
      const found = await call('newsgroups.threads', { name, query, offset, limit: PAGE_THREADS })
      return { key: keyOf(name, search, page), ...found }
    },
    (event) => isOfNews(event, folder),
    keyOf(name, search, page),
  )

const keyOf = (name: string, search: string, page: number): string => JSON.stringify([name, search, page])

/** Returns the threads of a newsgroup, which change while they are shown. */
export function useThreads(place: GroupPlace, group: Newsgroup): Threads {
  const { query } = useRoute()
  const { name, article, search, page } = place
  const list = useList(place, group.id)
  const [collapsed, setCollapsed] = useState<ReadonlySet<string>>(new Set())
  const isCurrent = list.value?.key === keyOf(name, search, page)
  const threads: readonly NewsThread[] = isCurrent ? (list.value?.items ?? []) : []
  const rows = useMemo(() => rowsOf(threads, collapsed), [list.value, isCurrent, collapsed])
  const active = rowIndex(rows, threads, article)
  const open = (id: string): void =>
    navigate(groupPath(name, { search, page, article: id }, query.get('tab')), { replace: article !== undefined })
  return {
    place,
    group,
    list: isCurrent ? list : { again: list.again, reads: list.reads, problem: list.problem },
    rows,
    active,
    open,
    close: () => navigate(groupPath(name, { search, page }), { replace: true }),
    step(by) {
      const next = rows[active === -1 ? 0 : Math.max(0, Math.min(rows.length - 1, active + by))]
      if (next && next.article.id !== article) open(next.article.id)
    },
    nextUnread() {
      const all = threads.flatMap(({ articles }) => articles)
      const from = all.findIndex(({ id }) => id === article) + 1
      const found = [...all.slice(from), ...all.slice(0, from)].find(({ id, read }) => !read && id !== article)
      if (!found) return
      const parents = new Map(all.map(({ id, parent }) => [id, parent]))
      const next = new Set(collapsed)
      for (let at = parents.get(found.id); at; at = parents.get(at)) next.delete(at)
      setCollapsed(next)
      open(found.id)
    },
    collapse(id, isCollapsed) {
      const next = new Set(collapsed)
      if (isCollapsed) next.add(id)
      else next.delete(id)
      setCollapsed(next)
    },
    collapseAll: (isCollapsed) =>
      setCollapsed(new Set(isCollapsed ? threads.flatMap(({ articles }) => articles[0]?.id ?? []) : [])),
    show: (change) => navigate(groupPath(name, { search, page: 1, ...change })),
  }
}

/** Marks every article of a newsgroup as read. */
export async function markAllRead(newsgroup: string): Promise<void> {
  await call('messages.updateMany', { newsgroup, read: true }).catch((error) => notifyProblem(problemOf(error)))
}

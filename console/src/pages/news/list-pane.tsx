import {
  ArrowUp,
  CheckCheck,
  ChevronLeft,
  ChevronRight,
  ChevronsDownUp,
  ChevronsUpDown,
  PanelLeft,
  PenLine,
  SearchX,
  Settings2,
} from 'lucide-preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { Button } from '../../components/button.tsx'
import { Glyph } from '../../components/icon.tsx'
import { EmptyState, ProblemState, Skeleton } from '../../components/states.tsx'
import { VirtualList } from '../../components/virtual-list.tsx'
import { may } from '../../state/caller.ts'
import { formatNumber, t } from '../../texts/index.ts'
import { SearchBox } from '../mail/search-box.tsx'
import { beginArticle } from './compose-state.ts'
import { FirstArticle } from './first-article.tsx'
import { mayManage } from './groups.ts'
import { ArticleRow } from './row.tsx'
import { markAllRead, PAGE_THREADS, type Threads } from './use-threads.ts'

const ROW_HEIGHT = 52

interface ListPaneProps {
  readonly threads: Threads
  readonly onGroups: (() => void) | undefined
  /** Opens the properties of the newsgroup. */
  readonly onProperties: () => void
}

/** The search, the actions and the threads of a newsgroup. */
export function ListPane({ threads, onGroups, onProperties }: ListPaneProps) {
  const { place, group, list, show } = threads
  const { name, search, page } = place
  const total = list.value?.total
  const isAllCollapsed =
    threads.rows.length > 0 && threads.rows.every(({ below, isCollapsed }) => below === 0 || isCollapsed)
  return (
    <section class="list-pane" aria-label={t('news.threads')}>
      <div class="list-head">
        <SearchBox label={t('news.search')} value={search} onSearch={(wanted) => show({ search: wanted })} />
        <div class="list-bar">
          {onGroups && <Button kind="plain" icon={PanelLeft} label={t('news.newsgroups')} onClick={onGroups} />}
          <h2 title={group.description || name}>
            {name} <span class="hint">{total === undefined ? '' : formatNumber(total)}</span>
          </h2>
          {may('change') && (
            <Button
              kind="plain"
              icon={PenLine}
              label={t('news.newArticle')}
              shortcut="c"
              disabled={group.posting === 'no'}
              onClick={() => beginArticle(group)}
            />
          )}
          {mayManage() && (
            <Button
              kind="plain"
              icon={CheckCheck}
              label={t('news.markAllRead')}
              disabled={group.unread === 0}
              onClick={() => void markAllRead(name)}
            />
          )}
          <Button
            kind="plain"
            icon={isAllCollapsed ? ChevronsUpDown : ChevronsDownUp}
            label={isAllCollapsed ? t('news.expandAll') : t('news.collapseAll')}
            shortcut="*"
            disabled={threads.rows.length === 0}
            onClick={() => threads.collapseAll(!isAllCollapsed)}
          />
          {mayManage() && <Button kind="plain" icon={Settings2} label={t('news.properties')} onClick={onProperties} />}
        </div>
      </div>
      <ListBody threads={threads} />
      {total !== undefined && total > PAGE_THREADS && (
        <nav class="news-pages" aria-label={t('news.pages')}>
          <Button
            kind="plain"
            icon={ChevronLeft}
            label={t('news.newer')}
            disabled={page === 1}
            onClick={() => show({ search, page: page - 1 })}
          />
          <span>
            {t('news.range', {
              from: (page - 1) * PAGE_THREADS + 1,
              to: Math.min(total, page * PAGE_THREADS),
              n: total,
            })}
          </span>
          <Button
            kind="plain"
            icon={ChevronRight}
            label={t('news.older')}
            disabled={page * PAGE_THREADS >= total}
            onClick={() => show({ search, page: page + 1 })}
          />
        </nav>
      )}
    </section>
  )
}

function ListBody({ threads }: { readonly threads: Threads }) {
  const { list, rows, place, group } = threads
  const { value, problem, again } = list
  if (problem) return <ProblemState problem={problem} onRetry={() => void again()} />
  if (!value) return <Skeleton lines={12} />
  if (rows.length > 0) return <Rows key={value.key} threads={threads} />
  if (place.search === '' && value.total === 0) return <FirstArticle group={group} />
  return (
    <EmptyState icon={SearchX} title={t('mail.nothingFound')}>
      <p>{t('mail.nothingFoundHint')}</p>
    </EmptyState>
  )
}

function Rows({ threads }: { readonly threads: Threads }) {
  const { rows, active, place } = threads
  const box = useRef<HTMLDivElement>(null)
  const { prepended, onScroll } = useAnchor(threads)
  const [isAtTop, setAtTop] = useState(true)
  const waiting = useUnseen(threads, isAtTop)
  const onKeyDown = (event: KeyboardEvent): void => {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -rows.length, End: rows.length }[event.key]
    if (by !== undefined) threads.step(by)
    else if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') foldBy(event.key, threads)
    else return
    event.preventDefault()
  }
  return (
    <div class="list-box" ref={box}>
      {waiting > 0 && (
        <button
          type="button"
          class="new-chip"
          onClick={() => box.current?.querySelector('.virtual-list')?.scrollTo({ top: 0 })}
        >
          <Glyph icon={ArrowUp} size={14} />
          {t('news.newArticles', { n: waiting })}
        </button>
      )}
      <VirtualList
        label={t('news.threads')}
        count={rows.length}
        rowHeight={ROW_HEIGHT}
        active={active}
        prepended={prepended}
        keyOf={(at) => rows[at]?.article.id ?? `row ${at}`}
        isSelected={(at) => rows[at]?.article.id === place.article}
        classOf={(at) => (at > 0 && rows[at]?.article.depth === 0 ? 'thread-start' : '')}
        treeOf={(at) => {
          const { article, below, isCollapsed } = rows[at] as (typeof rows)[number]
          return { level: article.depth + 1, isExpanded: below > 0 ? !isCollapsed : undefined }
        }}
        row={(at) => {
          const row = rows[at] as (typeof rows)[number]
          return (
            <ArticleRow
              row={row}
              onToggle={(event) => {
                event.stopPropagation()
                threads.collapse(row.article.id, !row.isCollapsed)
              }}
            />
          )
        }}
        onOpen={(at) => {
          const row = rows[at]
          if (row) threads.open(row.article.id)
        }}
        onKeyDown={onKeyDown}
        onScroll={(offset) => {
          setAtTop(offset < ROW_HEIGHT / 2)
          onScroll(offset)
        }}
      />
    </div>
  )
}

/** Left collapses, or goes to the article above; Right expands, or goes to the first one below. As trees do (WAI-ARIA APG). */
function foldBy(key: 'ArrowLeft' | 'ArrowRight', threads: Threads): void {
  const row = threads.rows[threads.active]
  if (!row) return
  const { article, below, isCollapsed } = row
  const isLeft = key === 'ArrowLeft'
  if (below > 0 && isCollapsed !== isLeft) threads.collapse(article.id, isLeft)
  else if (!isLeft && below > 0) threads.step(1)
  else if (isLeft && article.parent !== null) threads.open(article.parent)
}

/** Keeps the first visible line where it is while lines come and go above it. */
function useAnchor({ rows }: Threads) {
  const anchor = useRef<{ id: string; at: number }>()
  const before = useRef(rows)
  const prepended = useRef(0)
  const held = anchor.current
  if (before.current !== rows) {
    before.current = rows
    const at = held ? rows.findIndex(({ article }) => article.id === held.id) : -1
    if (held && at !== -1) {
      prepended.current += at - held.at
      held.at = at
    }
  }
  const onScroll = (offset: number): void => {
    const at = Math.ceil(offset / ROW_HEIGHT)
    const row = rows[at]
    anchor.current = row && { id: row.article.id, at }
  }
  return { prepended: prepended.current, onScroll }
}

/** Counts the articles that have arrived while the list is scrolled away from its top. */
function useUnseen({ list }: Threads, isAtTop: boolean): number {
  const all = (list.value?.items ?? []).flatMap(({ articles }) => articles.map(({ id }) => id))
  const seen = useRef(new Set(all))
  useEffect(() => {
    if (isAtTop) seen.current = new Set(all)
  }, [isAtTop, list.value])
  return isAtTop ? 0 : all.filter((id) => !seen.current.has(id)).length
}

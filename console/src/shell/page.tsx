import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Problem } from '../api/problem.ts'
import { ProblemState, Skeleton } from '../components/states.tsx'
import type { PageRow } from '../pages.ts'
import { unreadMail } from '../state/folders.ts'
import { formatNumber, loadTexts, t } from '../texts/index.ts'

type Loaded = { readonly path: string; readonly page?: ComponentType; readonly problem?: Problem }

/** Returns why a page is not loaded. The browser's own words, such as those about CSS, help nobody. */
const notLoaded = (error: unknown): Problem =>
  error instanceof Problem
    ? error
    : new Problem({
        status: 0,
        kind: 'unreachable',
        title: t('shell.pageNotLoaded'),
        detail: t('shell.pageNotLoadedHint'),
      })

/** A page, loaded with its texts when it is first opened. */
export function Page({ row }: { readonly row: PageRow }) {
  const [loaded, setLoaded] = useState<Loaded>()
  const [attempts, setAttempts] = useState(0)
  useEffect(() => {
    let isLatest = true
    const { path } = row
    Promise.all([row.load(), loadTexts(...row.texts)]).then(
      ([{ default: page }]) => isLatest && setLoaded({ path, page }),
      (error) => isLatest && setLoaded({ path, problem: notLoaded(error) }),
    )
    return () => {
      isLatest = false
    }
  }, [row, attempts])
  const title = t(row.title)
  const unread = unreadMail.value
  useEffect(() => {
    document.title = `${unread > 0 ? `(${formatNumber(unread)}) ` : ''}${title} · Sealpost`
  }, [title, unread])
  if (loaded?.path !== row.path) return <Skeleton />
  if (loaded.problem) return <ProblemState problem={loaded.problem} onRetry={() => setAttempts(attempts + 1)} />
  const { page: Content } = loaded
  return (
    <>
      <h1 class="hidden">{title}</h1>
      {Content && <Content />}
    </>
  )
}

import './mail.css'
import { useEffect, useState } from 'preact/hooks'
import { call, type OutputOf, urlTo } from '../../api/client.ts'
import { onLive, reconnects } from '../../api/live.ts'
import { type Problem, problemOf } from '../../api/problem.ts'
import { RelativeTime } from '../../components/relative-time.tsx'
import { SplitPane } from '../../components/split-pane.tsx'
import { EmptyState, ProblemState, Skeleton } from '../../components/states.tsx'
import { navigate, pathWith, useRoute } from '../../router.ts'
import { t } from '../../texts/index.ts'

type Page = OutputOf<'messages.list'>

/** The messages of the lab, the newest first, and the selected one. */
export default function MailPage() {
  const { rest, query } = useRoute()
  const [page, setPage] = useState<Page>()
  const [problem, setProblem] = useState<Problem>()
  const [changes, setChanges] = useState(0)
  useEffect(() => onLive(({ name }) => name.startsWith('message.') && setChanges((count) => count + 1)), [])
  useEffect(() => {
    call('messages.list', { limit: 100 }).then(setPage, (error) => setProblem(problemOf(error)))
  }, [changes, reconnects.value])
  if (problem) return <ProblemState problem={problem} />
  if (!page) return <Skeleton />
  const selected = page.items.find(({ id }) => id === rest[0])
  return (
    <SplitPane name="mail.list" label={t('mail.list')} width={380} min={280} max={720}>
      <ul class="message-list">
        {page.items.map(({ id, subject, from, receivedAt }) => (
          <li key={id}>
            <button type="button" onClick={() => navigate(pathWith(['mail', id], query))}>
              {subject || t('mail.noSubject')} — {from?.address} <RelativeTime at={receivedAt} short />
            </button>
          </li>
        ))}
      </ul>
      {selected ? (
        <iframe
          class="message-frame"
          sandbox="allow-popups"
          title={selected.subject}
          src={urlTo('messages.html', { id: selected.id })}
        />
      ) : (
        <EmptyState title={t('mail.selectOne')} />
      )}
    </SplitPane>
  )
}

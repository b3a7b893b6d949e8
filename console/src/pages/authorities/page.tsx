import { call, urlTo } from '../../api/client.ts'
import type { EventName } from '../../api/live.ts'
import { problemOf } from '../../api/problem.ts'
import { useLive } from '../../api/use-live.ts'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { ProblemState, Skeleton } from '../../components/states.tsx'
import { type Column, Table } from '../../components/table.tsx'
import { notifyProblem } from '../../components/toast.tsx'
import { navigate, pathWith, useRoute } from '../../router.ts'
import { needAttention } from '../../shell/attention.ts'
import { may } from '../../state/caller.ts'
import { isNarrow } from '../../state/media.ts'
import { formatNumber, t } from '../../texts/index.ts'
import { AuthorityView } from './authority.tsx'
import { type Authority, asTree, type QueuedRequest } from './facts.ts'
import { Trust } from './trust.tsx'
import './authorities.css'

/** The authorities of the lab: what they have issued, the requests that wait, and how clients come to trust them. */
export default function AuthoritiesPage() {
  const { rest } = useRoute()
  const { value, problem, again, reads } = useAuthorities()
  if (problem) return <ProblemState problem={problem} onRetry={() => void again()} />
  if (!value) return <Skeleton />
  const { authorities, queue } = value
  const selected = authorities.find(({ name }) => name === rest[0]) ?? authorities[0]
  const waiting = queue.filter(({ state }) => state === 'pending')
  return (
    <div class="authorities sections">
      <section aria-label={t('authorities.list')}>
        <h2>{t('authorities.list')}</h2>
        <Tree authorities={authorities} selected={selected?.name} />
      </section>
      {waiting.length > 0 && <Queue requests={waiting} onChange={again} />}
      {selected && <AuthorityView key={selected.name} authority={selected} changes={reads} onChange={again} />}
      <Trust authorities={authorities} />
    </div>
  )
}

/** Columns on a phone. Role and type are below the name there. */
const NARROW = ['name', 'until', 'downloads']

function Tree({
  authorities,
  selected,
}: {
  readonly authorities: readonly Authority[]
  readonly selected: string | undefined
}) {
  return (
    <Table
      caption={t('authorities.list')}
      rows={asTree(authorities)}
      keyOf={({ name }) => name}
      selected={selected}
      onOpen={({ name }) => navigate(pathWith(['authorities', name]))}
      columns={columns().filter(({ name }) => !isNarrow.value || NARROW.includes(name))}
    />
  )
}

const columns = (): readonly Column<ReturnType<typeof asTree>[number]>[] => [
  {
    name: 'name',
    title: t('authorities.name'),
    cell: ({ name, depth, role, type, default: isDefault }) => (
      <span class="authority-name" style={{ '--depth': `${depth}` }}>
        {depth > 0 && <span aria-hidden="true">└ </span>}
        <strong>{name}</strong> {isDefault && <Badge tone="accent">{t('authorities.default')}</Badge>}
        {isNarrow.value && (
          <span class="hint">
            {' '}
            {t(`authorities.role_${role}`)} · {t(`authorities.type_${type}`)}
          </span>
        )}
      </span>
    ),
  },
  { name: 'role', title: t('authorities.role'), cell: ({ role }) => t(`authorities.role_${role}`) },
  { name: 'type', title: t('authorities.type'), cell: ({ type }) => t(`authorities.type_${type}`) },
  {
    name: 'until',
    title: t('authorities.until'),
    cell: ({ notAfter }) => (notAfter ? <RelativeTime at={notAfter} /> : t('authorities.notReady')),
  },
  {
    name: 'issued',
    title: t('authorities.issued'),
    isNumber: true,
    cell: ({ issued, revoked }) =>
      revoked > 0 ? t('authorities.issuedRevoked', { issued, revoked }) : formatNumber(issued),
  },
  {
    name: 'downloads',
    title: t('authorities.certificate'),
    cell: ({ name, ready }) =>
      ready &&
      (['pem', 'der'] as const).map((format) => (
        <a
          key={format}
          class="button plain"
          href={urlTo('authorities.export', { name, format })}
          download={`${name}.${format === 'der' ? 'cer' : 'pem'}`}
          aria-label={`${name}: ${format.toUpperCase()}`}
          onClick={(event) => event.stopPropagation()}
        >
          {format.toUpperCase()}
        </a>
      )),
  },
]

/** The requests that wait at standalone authorities. */
function Queue({ requests, onChange }: { readonly requests: readonly QueuedRequest[]; readonly onChange: () => void }) {
  const answer = (request: QueuedRequest, decision: 'approve' | 'deny'): Promise<void> =>
    decide(request, decision).then(onChange, (error) => notifyProblem(problemOf(error)))
  return (
    <section aria-label={t('authorities.queue')}>
      <h2>{t('authorities.queue')}</h2>
      <Table
        caption={t('authorities.queue')}
        rows={requests}
        keyOf={({ authority, id }) => `${authority} ${id}`}
        columns={[
          { name: 'subject', title: t('authorities.subject'), cell: ({ subject }) => <strong>{subject}</strong> },
          { name: 'authority', title: t('authorities.name'), cell: ({ authority }) => authority },
          { name: 'since', title: t('authorities.received'), cell: (one) => <RelativeTime at={one.receivedAt} /> },
          {
            name: 'actions',
            title: '',
            cell: (one) =>
              may('administer') && (
                <div class="buttons">
                  <Button kind="primary" onClick={() => answer(one, 'approve')}>
                    {t('authorities.approve')}
                  </Button>
                  <Button onClick={() => answer(one, 'deny')}>{t('authorities.deny')}</Button>
                </div>
              ),
          },
        ]}
      />
    </section>
  )
}

/** Answers a request. What is approved for a virtual server of the lab is installed there. @throws Problem */
async function decide({ id, authority }: QueuedRequest, decision: 'approve' | 'deny'): Promise<void> {
  await call('authorities.answer', { id, decision })
  if (decision === 'deny') return
  const { items } = await call('requests.list', {})
  const own = items.find(({ queued }) => {
    const at = queued as { readonly authority: string; readonly id: number } | undefined
    return at?.id === id && at.authority === authority
  })
  if (own) await call('requests.collect', { for: own.virtualServer })
}

/** Events after which the authorities or their requests may differ. */
const CHANGES: readonly EventName[] = ['request.queued', 'certificate.changed', 'lab.reset']

/** Reads the authorities and the queue, and reads them again when they change. */
const useAuthorities = () =>
  useLive(
    async () => {
      const [listed, requests] = await Promise.all([call('authorities.list', {}), call('authorities.requests', {})])
      const authorities = listed.items as unknown as Authority[]
      needAttention(
        'authorities',
        authorities.reduce((sum, one) => sum + one.waiting, 0),
      )
      return { authorities, queue: requests.items as unknown as QueuedRequest[] }
    },
    ({ name }) => CHANGES.includes(name),
  )

import { ServerCog, ShieldQuestion, Trash2 } from 'lucide-preact'
import { useMemo } from 'preact/hooks'
import { call } from '../../api/client.ts'
import { problemOf } from '../../api/problem.ts'
import { useLive } from '../../api/use-live.ts'
import { Button } from '../../components/button.tsx'
import { Glyph, type Icon } from '../../components/icon.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { isLeaving, removeUnlessUndone } from '../../components/removal.ts'
import { EmptyState, ProblemState, Skeleton } from '../../components/states.tsx'
import { type Column, Table } from '../../components/table.tsx'
import { notifyProblem } from '../../components/toast.tsx'
import { navigate } from '../../router.ts'
import { matching, useCommands } from '../../shell/commands.ts'
import { icons } from '../../shell/icons.ts'
import { useShortcuts } from '../../shell/shortcuts.ts'
import { may } from '../../state/caller.ts'
import { isNarrow } from '../../state/media.ts'
import { t } from '../../texts/index.ts'
import type { JobSummary } from './facts.ts'
import { JobState, OutcomeBadges } from './state.tsx'

/** Starts a verify of all virtual servers, and opens it. */
const verifyAll = (): Promise<void> =>
  call('verify.start', {}).then(
    ({ id }) => navigate(`/verify/${id}`),
    (error) => notifyProblem(problemOf(error)),
  )

const openVerify = (): void => navigate('/verify/new')
const openAudit = (): void => navigate('/verify/new/audit')

/** Shows the jobs that can be run and those that have run. */
export function Overview() {
  const { value, problem, again } = useLive(
    () => call('jobs.list', { limit: 100 }),
    ({ name }) => name.startsWith('job.') || name === 'lab.reset',
  )
  const jobs = value?.items.filter(({ id }) => !isLeaving(id))
  const canStart = may('administer')
  useShortcuts(
    useMemo(
      () =>
        canStart
          ? [
              { keys: 'v', text: 'verify.verifyAll' as const, run: () => void verifyAll() },
              { keys: 'n', text: 'verify.choose' as const, run: openVerify },
              { keys: 'a', text: 'verify.startAudit' as const, run: openAudit },
            ]
          : [],
      [canStart],
    ),
  )
  useCommands(useMemo(() => (canStart ? (search: string) => matching(commands(), search) : () => []), [canStart]))
  const remove = (id: string): void =>
    removeUnlessUndone(id, t('verify.removed', { id }), () =>
      call('jobs.delete', { id }, { keepalive: true }).then(again),
    )
  return (
    <div class="verify-overview">
      <div class="verify-choices">
        <Choice icon={ServerCog} title={t('verify.servers')} text={t('verify.serversHint')}>
          {canStart && (
            <>
              <Button kind="primary" shortcut="v" onClick={() => void verifyAll()}>
                {t('verify.verifyAll')}
              </Button>
              <Button shortcut="n" onClick={openVerify}>
                {t('verify.choose')}
              </Button>
            </>
          )}
        </Choice>
        <Choice icon={ShieldQuestion} title={t('verify.clients')} text={t('verify.clientsHint')}>
          {canStart && (
            <Button kind="primary" shortcut="a" onClick={openAudit}>
              {t('verify.startAudit')}
            </Button>
          )}
        </Choice>
      </div>
      <section aria-label={t('verify.history')}>
        <h2>{t('verify.history')}</h2>
        {problem ? (
          <ProblemState problem={problem} onRetry={() => void again()} />
        ) : jobs === undefined ? (
          <Skeleton lines={3} />
        ) : jobs.length === 0 ? (
          <EmptyState icon={icons.verify} title={t('verify.none')}>
            <p>{t('verify.noneHint')}</p>
          </EmptyState>
        ) : (
          <Table
            caption={t('verify.history')}
            columns={columns(remove).filter(({ name }) => !isNarrow.value || NARROW.includes(name))}
            rows={jobs}
            keyOf={({ id }) => id}
            onOpen={({ id }) => navigate(`/verify/${id}`)}
          />
        )}
      </section>
    </div>
  )
}

const commands = () => [
  { id: 'verify.all', title: t('verify.verifyAll'), icon: icons.verify, run: () => void verifyAll() },
  { id: 'verify.choose', title: t('verify.choose'), icon: icons.verify, run: openVerify },
  { id: 'verify.audit', title: t('verify.startAudit'), icon: icons.verify, run: openAudit },
]

const Choice = ({
  icon,
  title,
  text,
  children,
}: {
  readonly icon: Icon
  readonly title: string
  readonly text: string
  readonly children: preact.ComponentChildren
}) => (
  <section class="verify-choice" aria-label={title}>
    <Glyph icon={icon} size={24} />
    <h2>{title}</h2>
    <p>{text}</p>
    <div class="buttons">{children}</div>
  </section>
)

/** Columns on a phone. */
const NARROW = ['kind', 'state', 'started']

const columns = (remove: (id: string) => void): readonly Column<JobSummary>[] => [
  {
    name: 'kind',
    title: t('verify.job'),
    cell: ({ id, kind, about }) => (
      <>
        <strong>{t(`verify.kind_${kind}`)}</strong> <span class="hint">{id}</span>
        <span class="verify-about" title={about}>
          {about}
        </span>
      </>
    ),
  },
  {
    name: 'state',
    title: t('verify.result'),
    cell: (job) => (job.outcome ? <OutcomeBadges kind={job.kind} outcome={job.outcome} /> : <JobState job={job} />),
  },
  { name: 'by', title: t('verify.by'), cell: ({ by }) => by },
  { name: 'started', title: t('verify.started'), cell: ({ startedAt }) => <RelativeTime at={startedAt} /> },
  {
    name: 'actions',
    title: '',
    cell: ({ id }) =>
      may('administer') && (
        <Button
          kind="plain"
          icon={Trash2}
          label={t('verify.remove')}
          onClick={(event) => {
            event.stopPropagation()
            remove(id)
          }}
        />
      ),
  },
]

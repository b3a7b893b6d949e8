import { ArrowLeft, Download, RotateCw, Square } from 'lucide-preact'
import { useMemo } from 'preact/hooks'
import { call, type InputOf, urlTo } from '../../api/client.ts'
import { problemOf } from '../../api/problem.ts'
import { useLive } from '../../api/use-live.ts'
import { Button } from '../../components/button.tsx'
import { wholeTime } from '../../components/relative-time.tsx'
import { ProblemState, Skeleton } from '../../components/states.tsx'
import { notifyProblem } from '../../components/toast.tsx'
import { navigate } from '../../router.ts'
import { matching, useCommands } from '../../shell/commands.ts'
import { useShortcuts } from '../../shell/shortcuts.ts'
import { may } from '../../state/caller.ts'
import { t } from '../../texts/index.ts'
import { AuditResults } from './audit-results.tsx'
import { AuditTargets } from './audit-targets.tsx'
import { endpointsOf, type Job } from './facts.ts'
import { FailedAudit } from './failed-audit.tsx'
import { JobState } from './state.tsx'
import { VerifyResults } from './verify-results.tsx'

const openList = (): void => navigate('/verify')

/** One job: how far it is, and its results as they come. */
export function JobView({ id }: { readonly id: string }) {
  const { value, problem, again } = useLive(
    () => read(id),
    ({ name, data }) => name.startsWith('job.') && (data.job as { readonly id?: string } | undefined)?.id === id,
  )
  const isDone = value?.job.state === 'done'
  useShortcuts(useMemo(() => [{ keys: 'u', text: 'verify.back' as const, run: openList }], []))
  useCommands(
    useMemo(
      () => (search: string) =>
        isDone
          ? matching(
              formats.map(({ format, name }) => ({
                id: `verify.${format}`,
                title: t('verify.download', { name }),
                icon: Download,
                run: () => location.assign(urlTo('jobs.report', { id, format })),
              })),
              search,
            )
          : [],
      [id, isDone],
    ),
  )
  if (problem) return <ProblemState problem={problem} onRetry={() => void again()} />
  if (!value) return <Skeleton lines={10} />
  const { job, targets } = value
  return (
    <article class="verify-job" aria-label={job.id}>
      <Head job={job} isWaiting={targets !== undefined} />
      {job.error && job.kind === 'audit' && <FailedAudit detail={job.error.detail} />}
      {job.error && job.kind !== 'audit' && (
        <div class="verify-error" role="note">
          <h3>{t('verify.failed')}</h3>
          <p>{job.error.detail}</p>
        </div>
      )}
      {targets ? (
        <AuditTargets id={id} ca={targets.ca} targets={targets.items} />
      ) : job.kind === 'audit' ? (
        job.result && <AuditResults job={job} />
      ) : (
        endpointsOf(job).length > 0 && <VerifyResults job={job} />
      )}
    </article>
  )
}

/** Reads a job and, while an audit waits for its client, its servers. */
async function read(id: string) {
  const job = await call('jobs.get', { id })
  // They may be closed meanwhile. The next event tells.
  const targets = job.waitsForClient ? await call('audit.targets', { id }).catch(() => undefined) : undefined
  return { job, targets }
}

/** Starts a job with the input of another, and opens it. */
const startAgain = ({ kind, input }: Job): Promise<void> =>
  (kind === 'verify' ? call('verify.start', input) : call('audit.start', input as InputOf<'audit.start'>)).then(
    ({ id }) => navigate(`/verify/${id}`),
    (error) => notifyProblem(problemOf(error)),
  )

const formats = [
  { format: 'junit', name: 'JUnit XML', file: 'xml' },
  { format: 'sarif', name: 'SARIF', file: 'sarif' },
  { format: 'json', name: 'JSON', file: 'json' },
  { format: 'text', name: 'Text', file: 'txt' },
] as const

function Head({ job, isWaiting }: { readonly job: Job; readonly isWaiting: boolean }) {
  const { id, kind, about, by, state, startedAt, endedAt, progress } = job
  const cancel = (): Promise<unknown> => call('jobs.cancel', { id }).catch((error) => notifyProblem(problemOf(error)))
  return (
    <header class="verify-head">
      <div class="verify-title">
        <Button kind="plain" icon={ArrowLeft} label={t('verify.back')} shortcut="u" onClick={openList} />
        <h2>{t(`verify.kind_${kind}`)}</h2>
        <span class="hint">{id}</span>
        <JobState job={job} />
        <span class="verify-tools">
          {state === 'running' && may('administer') && (
            <Button icon={Square} onClick={() => void cancel()}>
              {t('verify.cancel')}
            </Button>
          )}
          {state !== 'running' && may('administer') && (
            <Button icon={RotateCw} onClick={() => void startAgain(job)}>
              {t('verify.again')}
            </Button>
          )}
          {job.result &&
            formats.map(({ format, name, file }) => (
              <a
                key={format}
                class="button"
                href={urlTo('jobs.report', { id, format })}
                download={`${id}.${file}`}
                title={t('verify.download', { name })}
              >
                <Download size={16} aria-hidden="true" />
                {name}
              </a>
            ))}
        </span>
      </div>
      <p class="verify-facts" title={about}>
        {about}
      </p>
      <p class="hint">
        {t('verify.startedBy', { by, time: wholeTime(startedAt) })}
        {endedAt && ` · ${t('verify.took', { seconds: seconds(startedAt, endedAt) })}`}
      </p>
      {state === 'running' && (
        <div class="verify-progress">
          <progress value={progress.done} max={Math.max(1, progress.total)} aria-label={t('verify.progress')} />
          {!isWaiting && <span role="status">{progress.now}</span>}
        </div>
      )}
    </header>
  )
}

const seconds = (from: string, to: string): number => Math.round((Date.parse(to) - Date.parse(from)) / 100) / 10

import { useEffect, useState } from 'preact/hooks'
import { call, type InputOf, type OutputOf } from '../../api/client.ts'
import { type InputMistake, type Problem, problemOf } from '../../api/problem.ts'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Skeleton } from '../../components/states.tsx'
import { t } from '../../texts/index.ts'
import { Mistake } from './setting.tsx'

type Change = OutputOf<'configuration.change'>

/** Shows what a change would do to the configuration, and makes it. */
export function ApplyDialog({
  changes,
  onClose,
}: {
  readonly changes: InputOf<'configuration.change'>['changes']
  readonly onClose: (applied: boolean, mistakes: readonly InputMistake[]) => void
}) {
  const [change, setChange] = useState<Change>()
  const [problem, setProblem] = useState<Problem>()
  useEffect(() => {
    call('configuration.change', { changes, dryRun: true }).then(setChange, (error) => setProblem(problemOf(error)))
  }, [])
  const apply = async (): Promise<void> => {
    try {
      // Someone else may have changed the configuration since this difference was shown.
      await call('configuration.change', { changes, dryRun: false, ifMatch: change?.etag })
      onClose(true, [])
    } catch (error) {
      setProblem(problemOf(error))
    }
  }
  const close = (): void => onClose(false, problem?.errors ?? [])
  return (
    <Dialog
      title={t('servers.applyTitle')}
      size="large"
      onClose={close}
      actions={
        <>
          <Button onClick={close}>{t('shell.cancel')}</Button>
          <Button
            kind="primary"
            disabled={!change || change.hunks.length === 0 || problem !== undefined}
            onClick={apply}
          >
            {t('servers.apply')}
          </Button>
        </>
      }
    >
      {problem ? <Refused problem={problem} /> : change ? <Difference change={change} /> : <Skeleton lines={4} />}
    </Dialog>
  )
}

/** Each mistake with its place in the file. */
const Refused = ({ problem }: { readonly problem: Problem }) => (
  <div class="refusals" role="alert">
    <h3>{problem.title}</h3>
    {problem.errors.length === 0 ? (
      <p>{problem.message}</p>
    ) : (
      problem.errors.map((mistake) => (
        <p key={mistake.pointer}>
          <Mistake mistake={mistake} />
        </p>
      ))
    )}
  </div>
)

/** The changed lines of the YAML file. */
export const Hunks = ({ hunks }: { readonly hunks: Change['hunks'] }) => (
  <section class="difference" tabIndex={0} aria-label={t('servers.applyTitle')}>
    <pre>
      {hunks.map(({ oldStart, lines }) => (
        <code key={oldStart}>
          {lines.map(({ kind, text }, index) => (
            <span key={index} class={kind}>
              {{ same: '  ', removed: '- ', added: '+ ' }[kind]}
              {text}
              {'\n'}
            </span>
          ))}
        </code>
      ))}
    </pre>
  </section>
)

function Difference({ change }: { readonly change: Change }) {
  if (change.hunks.length === 0) return <p>{t('servers.noDifference')}</p>
  return (
    <>
      {!change.durable && <p class="hint">{t('servers.notDurable')}</p>}
      <Hunks hunks={change.hunks} />
      {change.warnings.map((warning) => (
        <p key={warning} class="hint">
          {warning}
        </p>
      ))}
      {change.afterRestart.map(({ pointer, message }) => (
        <p key={pointer} class="hint">
          <code>{pointer}</code> {message}
        </p>
      ))}
    </>
  )
}

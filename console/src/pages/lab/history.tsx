import { Undo2 } from 'lucide-preact'
import { useState } from 'preact/hooks'
import { call, type OutputOf } from '../../api/client.ts'
import { problemOf } from '../../api/problem.ts'
import { useLive } from '../../api/use-live.ts'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { EmptyState, ProblemState, Skeleton } from '../../components/states.tsx'
import { notifyProblem } from '../../components/toast.tsx'
import { t } from '../../texts/index.ts'
import { Hunks } from '../servers/apply.tsx'

type Change = OutputOf<'configuration.history'>['items'][number]

/** The changes of the configuration, each with its difference and what undoes it. */
export function History() {
  const { value, problem, again } = useLive(
    async () => (await call('configuration.history', {})).items,
    ({ name }) => name === 'configuration.reloaded',
  )
  const [undoing, setUndoing] = useState<string>()
  if (problem) return <ProblemState problem={problem} onRetry={() => void again()} />
  if (!value) return <Skeleton />
  if (value.length === 0)
    return (
      <EmptyState title={t('lab.noHistory')}>
        <p>{t('lab.historyHint')}</p>
      </EmptyState>
    )
  const undo = async (id: string): Promise<void> => {
    setUndoing(id)
    await call('configuration.undo', { id, dryRun: false }).catch((error) => notifyProblem(problemOf(error)))
    setUndoing(undefined)
    await again()
  }
  return (
    <section aria-label={t('lab.history')}>
      <p class="hint">{t('lab.historyHint')}</p>
      <ul class="history">
        {value.map((change) => (
          <li key={change.id}>
            <details>
              <summary>
                <RelativeTime at={change.at} ofMachine /> <strong dir="auto">{change.by}</strong>{' '}
                {change.via === 'command-line' && <Badge>{t('lab.commandLine')}</Badge>}{' '}
                <code>{firstChange(change)}</code>
                {change.undoes !== null && <Badge>{t('lab.undoes', { id: change.undoes })}</Badge>}
                {change.undoneBy !== null && <Badge>{t('lab.undone')}</Badge>}
              </summary>
              <Hunks hunks={change.hunks} />
            </details>
            {change.undoneBy === null && (
              <Button icon={Undo2} disabled={undoing !== undefined} onClick={() => void undo(change.id)}>
                {t('shell.undo')}
              </Button>
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}

/** Returns the first changed line. */
function firstChange({ hunks }: Change): string {
  const lines = hunks.flatMap((hunk) => hunk.lines)
  const shown = lines.find(({ kind }) => kind === 'added') ?? lines.find(({ kind }) => kind === 'removed')
  return shown ? `${shown.kind === 'added' ? '+' : '-'} ${shown.text.trim()}` : ''
}

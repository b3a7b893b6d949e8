import { Trash2 } from 'lucide-preact'
import { useCallback, useEffect, useState } from 'preact/hooks'
import { call, type OutputOf } from '../../api/client.ts'
import { onLive, reconnects } from '../../api/live.ts'
import { type Problem, problemOf } from '../../api/problem.ts'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { EmptyState, ProblemState, Skeleton } from '../../components/states.tsx'
import { type Column, Table } from '../../components/table.tsx'
import { doUnlessUndone, notifyProblem } from '../../components/toast.tsx'
import { icons } from '../../shell/icons.ts'
import { may } from '../../state/caller.ts'
import { formatNumber, t } from '../../texts/index.ts'
import { AddFault } from './add.tsx'
import type { FaultInput } from './presets.ts'
import './faults.css'

type Fault = OutputOf<'faults.list'>['items'][number]

/** The faults that the lab injects, with how often each has happened. */
export default function FaultsPage() {
  const { faults, problem, again } = useFaults()
  // Faults that are removed unless that is undone.
  const [leaving, setLeaving] = useState<ReadonlySet<string>>(new Set())
  const remove = (id: string, name: string): void => {
    setLeaving(new Set([...leaving, id]))
    const back = (): void => setLeaving((all) => new Set([...all].filter((one) => one !== id)))
    doUnlessUndone(t('faults.removed', { name }), {
      act: () =>
        call('faults.remove', { id }, { keepalive: true }).catch((error) => {
          back()
          notifyProblem(problemOf(error))
        }),
      undo: back,
    })
  }
  return (
    <div class="faults">
      <section aria-label={t('faults.list')}>
        <h2>{t('faults.list')}</h2>
        {problem ? (
          <ProblemState problem={problem} onRetry={again} />
        ) : faults === undefined ? (
          <Skeleton lines={3} />
        ) : faults.length === 0 ? (
          <EmptyState icon={icons.faults} title={t('faults.none')}>
            <p>{t('faults.noneHint')}</p>
          </EmptyState>
        ) : (
          <Table
            caption={t('faults.list')}
            columns={columns(remove)}
            rows={faults.filter(({ id }) => id === null || !leaving.has(id))}
            keyOf={({ id, fault }) => id ?? JSON.stringify(fault)}
          />
        )}
      </section>
      {may('administer') && <AddFault onAdded={again} />}
    </div>
  )
}

const nameOf = ({ id, fault }: Fault): string => (fault.name as string | undefined) ?? id ?? t('faults.ofConfiguration')

/** Describes conditions or actions in one line: `verb: RCPT, times: 1`. */
const inWords = (part: unknown): string =>
  Object.entries((part ?? {}) as FaultInput)
    .map(([key, value]) => `${key}: ${Array.isArray(value) ? value.join(' ') : value}`)
    .join(', ')

const columns = (remove: (id: string, name: string) => void): readonly Column<Fault>[] => [
  { name: 'name', title: t('faults.name'), cell: nameOf, sortBy: nameOf },
  {
    name: 'when',
    title: t('faults.when'),
    cell: ({ fault }) => <code>{inWords(fault.when) || t('faults.everything')}</code>,
  },
  { name: 'do', title: t('faults.do'), cell: ({ fault }) => <code>{inWords(fault.do)}</code> },
  {
    name: 'times',
    title: t('faults.times'),
    cell: ({ fault }) => (typeof fault.times === 'number' ? formatNumber(fault.times) : t('faults.always')),
  },
  {
    name: 'hits',
    title: t('faults.hits'),
    isNumber: true,
    sortBy: ({ hits }) => hits ?? -1,
    cell: ({ hits }) =>
      hits === null ? '–' : hits > 0 ? <Badge tone="accent">{formatNumber(hits)}</Badge> : formatNumber(hits),
  },
  {
    name: 'actions',
    title: '',
    cell: (fault) => {
      const { id } = fault
      if (id === null) return <span class="hint">{t('faults.ofConfiguration')}</span>
      if (!may('administer')) return null
      return <Button kind="plain" icon={Trash2} label={t('faults.remove')} onClick={() => remove(id, nameOf(fault))} />
    },
  },
]

/** Reads the faults, and reads them again when one happens. */
function useFaults() {
  const [faults, setFaults] = useState<readonly Fault[]>()
  const [problem, setProblem] = useState<Problem>()
  const [attempts, setAttempts] = useState(0)
  const again = useCallback(() => setAttempts((count) => count + 1), [])
  useEffect(
    () => onLive(({ name }) => ['fault.hit', 'lab.reset', 'configuration.reloaded'].includes(name) && again()),
    [again],
  )
  useEffect(() => {
    call('faults.list', {}).then(
      ({ items }) => {
        setProblem(undefined)
        setFaults(items)
      },
      (error) => setProblem(problemOf(error)),
    )
  }, [attempts, reconnects.value])
  return { faults, problem, again }
}

import { RotateCcw, Trash2 } from 'lucide-preact'
import { Link } from 'wouter-preact'
import { call, type InputOf, type OutputOf } from '../../api/client.ts'
import type { EventName } from '../../api/live.ts'
import { problemOf } from '../../api/problem.ts'
import { type Live, useLive } from '../../api/use-live.ts'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { isLeaving, removeUnlessUndone } from '../../components/removal.ts'
import { type Column, Table } from '../../components/table.tsx'
import { notifyProblem } from '../../components/toast.tsx'
import { pathWith } from '../../router.ts'
import { may } from '../../state/caller.ts'
import { formatNumber, t } from '../../texts/index.ts'
import type { FaultInput } from './presets.ts'

export type Fault = OutputOf<'faults.list'>['items'][number]

/** Events after which the faults or their hits may differ. */
const CHANGES: readonly EventName[] = ['fault.hit', 'configuration.reloaded', 'lab.reset']

/** Reads the faults of the lab, and reads them again when they change or happen. */
export const useFaults = (): Live<readonly Fault[]> =>
  useLive(
    async () => (await call('faults.list', {})).items,
    ({ name }) => CHANGES.includes(name),
  )

/** Faults with how often each has happened, and what removes them. */
export function FaultTable({ faults, onChange }: { readonly faults: readonly Fault[]; readonly onChange: () => void }) {
  const remove = (id: string, name: string): void =>
    removeUnlessUndone(id, t('faults.removed', { name }), () =>
      call('faults.remove', { id }, { keepalive: true }).then(onChange),
    )
  const rearm = (id: string): Promise<void> =>
    // Each change of a fault counts its hits from 0 again.
    call('faults.update', { id } as InputOf<'faults.update'>).then(onChange, (error) => notifyProblem(problemOf(error)))
  return (
    <Table
      caption={t('faults.list')}
      columns={columns(remove, rearm)}
      rows={faults.filter(({ id }) => id === null || !isLeaving(id))}
      keyOf={({ id, fault }) => id ?? JSON.stringify(fault)}
    />
  )
}

const nameOf = ({ id, fault }: Fault): string => (fault.name as string | undefined) ?? id ?? t('faults.ofConfiguration')

/** Describes conditions or actions in one line: `verb: RCPT, times: 1`. */
const inWords = (part: unknown): string =>
  Object.entries((part ?? {}) as FaultInput)
    .map(([key, value]) => `${key}: ${Array.isArray(value) ? value.join(' ') : value}`)
    .join(', ')

/** Returns whether a fault has happened as often as it may. */
const isUsedUp = ({ fault, hits }: Fault): boolean => typeof fault.times === 'number' && hits >= fault.times

/** The number of hits. It links to the sessions, which know a fault by its name. */
function Hits({ of: { fault, hits } }: { readonly of: Fault }) {
  if (hits === 0) return formatNumber(hits)
  const badge = <Badge tone="accent">{formatNumber(hits)}</Badge>
  if (typeof fault.name !== 'string') return badge
  return (
    <Link href={pathWith(['sessions'], { fault: fault.name, protocol: 'all' })} title={t('faults.showSessions')}>
      {badge}
    </Link>
  )
}

const columns = (
  remove: (id: string, name: string) => void,
  rearm: (id: string) => Promise<void>,
): readonly Column<Fault>[] => [
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
    sortBy: ({ hits }) => hits,
    cell: (one) => (
      <>
        <Hits of={one} />
        {isUsedUp(one) && <Badge>{t('faults.usedUp')}</Badge>}
      </>
    ),
  },
  {
    name: 'actions',
    title: '',
    cell: (fault) => {
      const { id } = fault
      if (id === null) return <span class="hint">{t('faults.ofConfiguration')}</span>
      if (!may('administer')) return null
      return (
        <>
          {isUsedUp(fault) && (
            <Button kind="plain" icon={RotateCcw} label={t('faults.rearm')} onClick={() => void rearm(id)} />
          )}
          <Button kind="plain" icon={Trash2} label={t('faults.remove')} onClick={() => remove(id, nameOf(fault))} />
        </>
      )
    },
  },
]

import { useRef } from 'preact/hooks'
import { EmptyState, ProblemState, Skeleton } from '../../components/states.tsx'
import { icons } from '../../shell/icons.ts'
import { may } from '../../state/caller.ts'
import { t } from '../../texts/index.ts'
import { AddFault } from './add.tsx'
import { FaultTable, useFaults } from './fault-table.tsx'
import './faults.css'

/** The faults that the lab injects, with how often each has happened. */
export default function FaultsPage() {
  const { value: faults, problem, again } = useFaults()
  const list = useRef<HTMLElement>(null)
  /** The list may be above the window of a phone. */
  const show = (): void => void again().then(() => list.current?.scrollIntoView({ block: 'nearest' }))
  return (
    <div class="faults sections">
      <section ref={list} aria-label={t('faults.list')}>
        <h2>{t('faults.list')}</h2>
        {problem ? (
          <ProblemState problem={problem} onRetry={() => void again()} />
        ) : faults === undefined ? (
          <Skeleton lines={3} />
        ) : faults.length === 0 ? (
          <EmptyState icon={icons.faults} title={t('faults.none')}>
            <p>{t('faults.noneHint')}</p>
          </EmptyState>
        ) : (
          <FaultTable faults={faults} onChange={again} />
        )}
      </section>
      {may('administer') && <AddFault onAdded={show} />}
    </div>
  )
}

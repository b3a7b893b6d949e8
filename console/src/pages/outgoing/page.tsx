import { call } from '../../api/client.ts'
import { useLive } from '../../api/use-live.ts'
import { ProblemState, Skeleton } from '../../components/states.tsx'
import { useRoute } from '../../router.ts'
import { Connectors } from './connectors.tsx'
import { CHANGES } from './facts.ts'
import { NoConnectors } from './no-connectors.tsx'
import { Queue } from './queue.tsx'
import './outgoing.css'

/** The mail that the lab sends to other hosts: its connectors, and the queue. */
export default function OutgoingPage() {
  const {
    rest: [list, selected],
  } = useRoute()
  const {
    value: connectors,
    problem,
    again,
  } = useLive(
    async () => (await call('connectors.list', {})).items,
    ({ name }) => CHANGES.includes(name),
  )
  return (
    <div class="outgoing sections">
      {problem ? (
        <ProblemState problem={problem} onRetry={() => void again()} />
      ) : connectors === undefined ? (
        <Skeleton lines={3} />
      ) : connectors.length === 0 ? (
        <NoConnectors />
      ) : (
        <Connectors connectors={connectors} selected={list === 'connectors' ? selected : undefined} />
      )}
      {/* Messages stay in the queue when their connector is removed. */}
      <Queue hasConnectors={(connectors?.length ?? 0) > 0} selected={list === 'queue' ? selected : undefined} />
    </div>
  )
}

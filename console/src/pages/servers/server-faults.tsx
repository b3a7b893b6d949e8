import { Link } from 'wouter-preact'
import { ProblemState, Skeleton } from '../../components/states.tsx'
import { may } from '../../state/caller.ts'
import { t } from '../../texts/index.ts'
import { AddFault } from '../faults/add.tsx'
import { type Fault, FaultTable, useFaults } from '../faults/fault-table.tsx'
import '../faults/faults.css'
import type { Server } from './list.tsx'

/** The faults that can happen on a virtual server, with how often each has happened anywhere. */
export function ServerFaults({ server }: { readonly server: Server }) {
  const { value, problem, again } = useFaults()
  if (problem) return <ProblemState problem={problem} onRetry={() => void again()} />
  if (!value) return <Skeleton lines={3} />
  const faults = value.filter((one) => isFor(server, one))
  return (
    <>
      <section class="server-faults" aria-label={t('servers.faults')}>
        <p>
          {faults.length === 0 && `${t('servers.noFaults')} `}
          <Link href="/faults">{t('servers.allFaults')}</Link>
        </p>
        {faults.length > 0 && <FaultTable faults={faults} onChange={again} />}
      </section>
      {may('administer') && <AddFault server={server} onAdded={again} />}
    </>
  )
}

/** Returns whether the conditions of a fault allow a virtual server. */
function isFor({ name, protocol }: Server, { fault }: Fault): boolean {
  const when = (fault.when ?? {}) as { readonly virtualServer?: string; readonly protocol?: string }
  return (when.virtualServer ?? name) === name && (when.protocol ?? protocol) === protocol
}

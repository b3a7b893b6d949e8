import type { Logger } from 'pino'
import type { Api } from '../../api/api.ts'
import { hasFailed, withoutDer } from '../../core/sessions/describe.ts'
import type { SessionLog } from '../../core/sessions/log.ts'
import { nodeOfId } from '../../core/values/node-ids.ts'
import type { SharedValues } from '../../core/values/shared-values.ts'
import type { Cluster, Verbs } from '../../storage/cluster/types.ts'
import type { StoreQueue } from '../../transport/outgoing/queue/queue.ts'
import type { QueueAction } from '../../transport/outgoing/types.ts'
import type { LabConfiguration } from '../configuration/lab-configuration.ts'
import type { VirtualServers } from '../virtual-servers/virtual-servers.ts'

/** The parts of a lab that requests of other nodes use. */
interface RequestServices {
  readonly log: Logger
  readonly sessionLog: SessionLog
  readonly virtualServers: VirtualServers
  readonly values: SharedValues
  readonly outgoing: { readonly queue: Pick<StoreQueue, 'perform'> }
  readonly configuration: LabConfiguration | undefined
  api(): Promise<Api>
  forget(): Promise<void>
}

/** The sessions that a node is asked for. */
interface SessionQuery {
  readonly failed: boolean
  readonly id?: string | undefined
}

/** Returns the handlers of requests of other nodes. */
export const clusterRequests = (lab: RequestServices): Verbs => ({
  operation: async (argument) => {
    const [{ runForwarded }, { operationNamed }] = await Promise.all([
      import('../../api/other-nodes.ts'),
      import('../../api/invoke.ts'),
    ])
    return runForwarded(await lab.api(), operationNamed, argument)
  },
  sessions: async (argument) => ownSessions(lab, argument as SessionQuery),
  disconnect: async (argument) => {
    const { user } = argument as { readonly user: string }
    await lab.virtualServers.endOwnSessionsOf(user)
  },
  reset: () => lab.forget(),
  follow: async () => lab.values.refresh(),
  queue: (argument) => lab.outgoing.queue.perform(argument as QueueAction),
  reload: async () => {
    if (!lab.configuration) throw new Error('the node does not know where its configuration comes from')
    const { warnings, afterRestart } = await lab.configuration.reload()
    lab.log.info('reloaded')
    return { pid: process.pid, warnings, afterRestart }
  },
})

/** Returns the records of this node's sessions, the oldest first. */
const ownSessions = ({ sessionLog }: Pick<RequestServices, 'sessionLog'>, { failed, id }: SessionQuery): object[] =>
  sessionLog
    .list()
    .filter((record) => (id === undefined || record.id === id) && (!failed || hasFailed(record)))
    .map(withoutDer)

/** Returns the records of the other nodes' sessions, and the nodes that did not answer. */
export async function otherSessions(
  cluster: Cluster,
  query: SessionQuery,
): Promise<{ readonly records: readonly object[]; readonly missing: readonly string[] }> {
  const named = query.id === undefined ? undefined : nodeOfId(query.id)
  if (!cluster.isShared || named === cluster.node) return { records: [], missing: [] }
  const nodes = (await cluster.others()).filter((name) => named === undefined || name === named)
  const answers = await cluster.ask('sessions', query, { nodes })
  return {
    records: answers.flatMap((one) => (one.kind === 'answer' ? (one.answer as object[]) : [])),
    missing: answers.flatMap(({ kind, node }) => (kind === 'answer' ? [] : [node])),
  }
}

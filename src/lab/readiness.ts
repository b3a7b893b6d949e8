import type { NotReady } from '../api/lab.ts'
import { isShared, type ResolvedLab, type ResolvedVirtualServer } from '../core/config/resolve.ts'
import type { Database } from '../storage/database/database.ts'
import type { VirtualServerStatus } from './virtual-servers/virtual-servers.ts'

export type Phase = 'starting' | 'serving' | 'draining'

/** The default of `drain.delay` behind a balancer, which asks about every second and needs some failures. */
const SHARED_DELAY_MS = 5_000

/** Returns the default of `drain.delay`, in milliseconds: a lab that is alone has no balancer that must notice. */
export const defaultDelayMs = ({ store }: ResolvedLab): number => (isShared(store) ? SHARED_DELAY_MS : 0)

const phases: Readonly<Record<Phase, string | undefined>> = {
  starting: 'the lab is starting',
  serving: undefined,
  draining: 'the lab is draining: it stops after the sessions that are open',
}

/** What decides whether a lab is ready. */
interface ReadinessFacts {
  readonly phase: Phase
  readonly config: ResolvedLab
  /** The database that nodes share. */
  readonly database: Pick<Database, 'state'> | undefined
  readonly endpoints: readonly VirtualServerStatus[]
}

/**
 * Returns why a balancer should not send clients to a lab. Outages that a test has asked for do not count: a balancer must
 * not hide them from the clients under test.
 */
export function notReadyReasons({ phase, config, database, endpoints }: ReadinessFacts): readonly NotReady[] {
  const reasons: NotReady[] = []
  const ofPhase = phases[phase]
  if (ofPhase !== undefined) reasons.push({ part: 'lab', detail: ofPhase })
  if (phase === 'serving') {
    const closed = config.virtualServers.filter((server, at) => lacksPort(server, endpoints[at]))
    for (const { name } of closed) reasons.push({ part: 'ports', detail: `${name}: a port is not open` })
  }
  if (database?.state === 'disconnected') reasons.push({ part: 'store', detail: 'the database cannot be reached' })
  return reasons
}

function lacksPort(config: ResolvedVirtualServer, status: VirtualServerStatus | undefined): boolean {
  const lacksTls = config.tlsPort !== 'off' && status?.certificate !== undefined && status.tlsPort === undefined
  return lacksTls || (config.port !== 'off' && status?.port === undefined)
}

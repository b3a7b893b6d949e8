import type { NotReady } from '../api/lab.ts'
import type { ResolvedLab, ResolvedVirtualServer } from '../core/config/resolve.ts'
import type { Database } from '../storage/index.ts'
import type { VirtualServerStatus } from './virtual-servers/virtual-servers.ts'

export type Phase = 'starting' | 'serving' | 'draining'

const phases: Readonly<Record<Phase, string | undefined>> = {
  starting: 'the lab is starting',
  serving: undefined,
  draining: 'the lab is draining: it stops after the sessions that are open',
}

/** The parts of a lab that decide whether it is ready. */
interface ReadinessServices {
  readonly config: ResolvedLab
  /** The database that nodes share. */
  readonly database: Pick<Database, 'state'> | undefined
  endpoints(): readonly VirtualServerStatus[]
}

/**
 * Returns why a balancer should not send clients to a lab. Outages that a test has asked for do not count: a balancer must
 * not hide them from the clients under test.
 */
export function notReadyReasons(lab: ReadinessServices, phase: Phase): readonly NotReady[] {
  const reasons: NotReady[] = []
  const ofPhase = phases[phase]
  if (ofPhase !== undefined) reasons.push({ part: 'lab', detail: ofPhase })
  if (phase === 'serving') {
    const endpoints = lab.endpoints()
    const closed = lab.config.virtualServers.filter((server, at) => lacksPort(server, endpoints[at]))
    for (const { name } of closed) reasons.push({ part: 'ports', detail: `${name}: a port is not open` })
  }
  if (lab.database?.state === 'disconnected') reasons.push({ part: 'store', detail: 'the database cannot be reached' })
  return reasons
}

function lacksPort(config: ResolvedVirtualServer, status: VirtualServerStatus | undefined): boolean {
  const lacksTls = config.tlsPort !== 'off' && status?.certificate !== undefined && status.tlsPort === undefined
  return lacksTls || (config.port !== 'off' && status?.port === undefined)
}

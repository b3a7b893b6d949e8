import { tmpdir } from 'node:os'
import { askLab } from '../lab/control/client.ts'
import { findSockets, type RuntimePlaces } from '../lab/control/socket-path.ts'
import type { LabStatus } from '../lab/control/verbs.ts'
import { type ConfigurationOptions, configurationIdentity } from './configuration.ts'

/**
 * The control sockets of the labs that run the configuration now.
 * @throws Error when there is none
 */
export async function runningLabs(options: ConfigurationOptions): Promise<string[]> {
  const { name, identity } = configurationIdentity(options)
  const sockets = await findSockets(identity, runtimePlaces())
  if (sockets.length === 0) throw new Error(`no lab of ${name} is running here under this user`)
  return sockets
}

/** Where control sockets may be, as the environment says. */
export function runtimePlaces(): RuntimePlaces {
  const xdgRuntimeDir = process.env.XDG_RUNTIME_DIR
  return { ...(xdgRuntimeDir ? { xdgRuntimeDir } : {}), tmpdir: tmpdir(), uid: process.getuid?.() ?? 0 }
}

/** What a running lab says of itself. @throws ControlError */
export async function labStatus(socket: string): Promise<LabStatus> {
  return (await askLab(socket, { verb: 'status' })) as LabStatus
}

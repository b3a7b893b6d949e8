import { tmpdir } from 'node:os'
import { findSockets, type RuntimePlaces } from '../../lab/control/socket-path.ts'
import type { LabStatus } from '../../lab/control/verbs.ts'
import { type ConfigurationOptions, configOption, configurationIdentity } from './configuration.ts'

/** Returns the folders for control sockets, as the environment sets them. */
export function runtimePlaces(): RuntimePlaces {
  const xdgRuntimeDir = process.env.XDG_RUNTIME_DIR
  return { ...(xdgRuntimeDir ? { xdgRuntimeDir } : {}), tmpdir: tmpdir(), uid: process.getuid?.() ?? 0 }
}

/** Returns the control sockets of the labs that run a configuration. */
export const controlSockets = (identity: string): Promise<string[]> => findSockets(identity, runtimePlaces())

/**
 * Returns the control sockets of the labs that run the configuration.
 * @throws Error if no lab runs it
 */
export async function runningLabs(options: ConfigurationOptions): Promise<string[]> {
  const { name, identity } = configurationIdentity(options)
  const sockets = await controlSockets(identity)
  if (sockets.length === 0) {
    throw new Error(
      `no lab of ${name} is running under your user; start it with: sealpost start${configOption(options)}`,
    )
  }
  return sockets
}

/** Asks a running lab for its status. @throws ControlError */
export async function labStatus(socket: string): Promise<LabStatus> {
  const { askLab } = await import('../../lab/control/client.ts') // Loaded on demand: a lab that starts asks no other one.
  return (await askLab(socket, { verb: 'status' })) as LabStatus
}

import { findSockets } from '../lab/control/socket-path.ts'
import { type ConfigurationOptions, configurationIdentity } from './configuration.ts'
import { runtimePlaces } from './runtime-places.ts'

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

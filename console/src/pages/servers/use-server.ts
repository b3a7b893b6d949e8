import { call, type OutputOf } from '../../api/client.ts'
import { type Live, useLive } from '../../api/use-live.ts'
import type { Server } from './list.tsx'

/** The configuration that the lab uses, with all defaults. */
type Settings = Readonly<Record<string, unknown>>

/** The virtual server of a property sheet. */
export interface Loaded {
  readonly server: Server
  /** The settings of the virtual server. */
  readonly settings: Settings
  readonly configuration: OutputOf<'configuration.get'>
}

/** The key of the changes of a virtual server that are not applied yet. */
export const draftKey = (id: string): string => `servers ${id}`

/** Reads a virtual server, its settings and the state of the configuration, and again when somebody changes these. */
export const useServer = (id: string): Live<Loaded> =>
  useLive(
    async () => {
      const [server, configuration] = await Promise.all([
        call('virtualServers.get', { id }),
        call('configuration.get', {}),
      ])
      const all = configuration.configuration.virtualServers as readonly Settings[]
      return { server, configuration, settings: all.find(({ name }) => name === server.name) ?? {} }
    },
    ({ name }) => name === 'configuration.reloaded' || name === 'certificate.changed',
    id,
  )

import { call } from '../../api/client.ts'
import type { EventName } from '../../api/live.ts'
import { type Live, useLive } from '../../api/use-live.ts'
import type { Certificate, PendingRequest, VirtualServer } from './facts.ts'

/** The data that the pages of the certificates share. */
export interface Held {
  readonly certificates: readonly Certificate[]
  readonly requests: readonly PendingRequest[]
  readonly servers: readonly VirtualServer[]
}

/** Events after which certificates may differ. */
const CHANGES: readonly EventName[] = [
  'certificate.changed',
  'clock.changed',
  'request.queued',
  'configuration.reloaded',
  'lab.reset',
]

/** Reads the certificates, the pending requests and the virtual servers, and reads them again when they change. */
export const useCertificates = (): Live<Held> =>
  useLive(
    async () => {
      const [certificates, requests, servers] = await Promise.all([
        call('certificates.list', {}),
        call('requests.list', {}),
        call('virtualServers.list', {}),
      ])
      return {
        certificates: certificates.items as unknown as Certificate[],
        requests: requests.items as unknown as PendingRequest[],
        servers: servers.items,
      }
    },
    ({ name }) => CHANGES.includes(name),
  )

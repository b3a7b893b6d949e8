import { peerCertificate } from '../frame/certificate.ts'
import { forkServer } from '../frame/processes.ts'
import type { Contender } from '../frame/types.ts'

/** What Node.js needs at least to receive and keep messages. */
export const floor: Contender = {
  name: 'floor (keeps all, checks nothing)',
  start: async () => forkServer('floor', peerCertificate()),
}

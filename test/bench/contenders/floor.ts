import { peerCertificate } from '../frame/certificate.ts'
import { forkServer } from '../frame/processes.ts'
import type { Contender } from '../frame/types.ts'

/** The minimum cost of receiving and keeping messages in Node.js. */
export const floor: Contender = {
  name: 'floor (keeps all, checks nothing)',
  start: async () => forkServer('floor', peerCertificate()),
}

import { connect, type TLSSocket } from 'node:tls'
import { MESSAGE_OCTETS, oldLab } from '../contenders/old-lab.ts'
import type { RateSuite, Target, Workload } from '../frame/types.ts'
import { LoadClient, onConnections } from '../frame/wire.ts'

/** Measures what the engine for old clients costs a TLS 1.3 client: verified handshakes with and without the engine. */
const secure = ({ host, port, ca }: Target): Promise<TLSSocket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port, servername: 'localhost', ...(ca ? { ca } : {}) })
    socket.once('error', reject)
    socket.once('secureConnect', () => resolve(socket))
  })

const handshakes: Workload = {
  name: 'TLS 1.3 handshake',
  unit: 'handshakes',
  run: (target, untilMs) =>
    onConnections(4, async () => {
      let made = 0
      for (; performance.now() < untilMs; made++) (await secure(target)).destroy()
      return made
    }),
}

const reading: Workload = {
  name: 'RETR of 4 MB over TLS 1.3',
  unit: 'MB',
  async run(target, untilMs) {
    const wire = new LoadClient(await secure(target))
    await wire.until('\r\n')
    await wire.ask('USER alice\r\n', '\r\n')
    await wire.ask('PASS secret\r\n', '\r\n')
    let read = 0
    for (; performance.now() < untilMs; read++) await wire.ask('RETR 1\r\n', '\r\n.\r\n')
    await wire.ask('QUIT\r\n', '\r\n')
    wire.close()
    return (read * MESSAGE_OCTETS) / 1e6
  },
}

const settings = { octets: MESSAGE_OCTETS, root: 'modern' } as const
export const suite: RateSuite = {
  kind: 'rates',
  title: 'TLS 1.3 beside the engine for old clients',
  contenders: [
    oldLab('tls.legacy: true', { legacy: true, ...settings }),
    oldLab('tls.legacy: off', { legacy: false, ...settings }),
  ],
  workloads: [handshakes, reading],
}

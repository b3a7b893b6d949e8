import { readFileSync } from 'node:fs'
import type { Protocol } from '../../src/config/schema.ts'
import { type LabInput, startLab } from '../../src/index.ts'

interface Settings {
  readonly protocol: Protocol
  readonly tls?: boolean
  readonly seed: readonly string[]
  readonly store: 'memory' | { readonly lmdb: string }
  readonly newsgroups?: LabInput['newsgroups']
  /** More keys of the virtual server. */
  readonly server?: object
}

const { protocol, tls, seed, store, newsgroups = [], server: keys } = JSON.parse(process.argv[2] ?? '{}') as Settings
const lab = await startLab({
  store,
  directory: {
    accounts: [
      { user: 'alice', password: 'secret' },
      { user: 'bob', password: 'secret' },
    ],
  },
  newsgroups,
  virtualServers: [{ protocol, port: 0, tlsPort: tls ? 0 : 'off', ...keys }],
})
for (const file of seed) await lab.deliver(readFileSync(file), { to: 'alice' })
const server = lab.server(protocol)
process.on('message', async () => {
  await lab.reset()
  process.send?.('done')
})
process.on('SIGTERM', async () => {
  await lab.stop()
  process.exit(0)
})
process.send?.({ port: tls ? server.tlsPort : server.port, ca: lab.ca })

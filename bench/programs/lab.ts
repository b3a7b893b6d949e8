import { readFileSync } from 'node:fs'
import type { Protocol } from '../../src/config/schema.ts'
import { type LabInput, startLab } from '../../src/index.ts'

interface Settings {
  /** `all`: the four protocols; the reported port is IMAP4's. */
  readonly protocol: Protocol | 'all'
  readonly tls?: boolean
  readonly seed: readonly string[]
  readonly store: LabInput['store']
  readonly newsgroups?: LabInput['newsgroups']
  /** Further keys of the virtual server. */
  readonly server?: object
}

const { protocol, tls, seed, store, newsgroups = [], server: keys } = JSON.parse(process.argv[2] ?? '{}') as Settings
const served: readonly Protocol[] = protocol === 'all' ? ['imap4', 'smtp', 'pop3', 'nntp'] : [protocol]
const lab = await startLab({
  // The default of the YAML file. startLab() alone creates a P-256 key, which is faster.
  certificates: { store: 'memory', key: 'rsa-2048' },
  store,
  directory: {
    accounts: [
      { user: 'alice', password: 'secret' },
      { user: 'bob', password: 'secret' },
    ],
  },
  newsgroups,
  virtualServers: served.map((each) => ({ protocol: each, port: 0, tlsPort: tls ? 0 : ('off' as const), ...keys })),
})
for (const file of seed) await lab.deliver(readFileSync(file), { to: 'alice' })
const server = lab.server(served[0] ?? 'imap4')
process.on('message', async (what) => {
  if (what === 'collect') global.gc?.()
  else await lab.reset()
  process.send?.('done')
})
process.on('SIGTERM', async () => {
  await lab.stop()
  process.exit(0)
})
process.send?.({ port: tls ? server.tlsPort : server.port, ca: lab.ca })

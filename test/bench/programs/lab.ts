import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ServerProtocol } from '../../../src/core/config/schema.ts'
import { type LabInput, startLab } from '../../../src/testing/index.ts'

interface Settings {
  /** `all`: the four protocols; the reported port is IMAP4's. */
  readonly protocol: ServerProtocol | 'all'
  readonly tls?: boolean
  /** The messages to deliver at the start: `0.eml`, `1.eml` … */
  readonly seed: { readonly folder: string; readonly count: number }
  readonly store: LabInput['store']
  readonly newsgroups?: LabInput['newsgroups']
  /** Further keys of the virtual servers. */
  readonly server?: object
  readonly feeds?: NonNullable<LabInput['virtualServers']>[number]['feeds']
}

const {
  protocol,
  tls,
  seed,
  store,
  newsgroups = [],
  server: keys,
  feeds,
} = JSON.parse(process.argv[2] ?? '{}') as Settings
const served: readonly ServerProtocol[] = protocol === 'all' ? ['imap4', 'smtp', 'pop3', 'nntp'] : [protocol]
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
  news: { groups: newsgroups },
  virtualServers: served.map((each) => ({
    protocol: each,
    port: 0,
    tlsPort: tls ? 0 : ('off' as const),
    ...keys,
    ...(each === 'nntp' && { feeds }),
  })),
})
for (let i = 0; i < seed.count; i++) {
  await lab.deliver(readFileSync(join(seed.folder, `${i}.eml`)), { to: 'alice' })
}
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
process.send?.({
  port: tls ? server.tlsPort : server.port,
  ca: lab.ca,
  ...(protocol === 'all' && { smtpPort: lab.server('smtp').port, nntpPort: lab.server('nntp').port }),
})

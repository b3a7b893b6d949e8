import { startLab } from '../../../src/testing/index.ts'
import { mailOf } from '../frame/mail.ts'

/** The argument of the process, as JSON. */
export interface OldLabSettings {
  /** Whether the engine for old clients is on. */
  readonly legacy: boolean
  /** Size of the only message of `alice`. */
  readonly octets: number
  /** Which root the client trusts: the one of the modern certificate or the one for old clients. */
  readonly root: 'modern' | 'old'
}

const { legacy, octets, root } = JSON.parse(process.argv[2] ?? '{}') as OldLabSettings
const lab = await startLab({
  certificates: { store: 'memory', key: 'rsa-2048' },
  virtualServers: [{ protocol: 'pop3', tls: { legacy: legacy || 'off' } }],
})
await lab.deliver(mailOf(octets), { to: 'alice' })
process.on('SIGTERM', async () => {
  await lab.stop()
  process.exit(0)
})
const ca = root === 'old' ? await lab.certificates.oldClientRootPem() : lab.ca
process.send?.({ port: lab.server('pop3').tlsPort, ca })

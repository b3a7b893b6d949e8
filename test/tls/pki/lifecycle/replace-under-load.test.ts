import { join } from 'node:path'
import { expect, it } from 'vitest'
import { serverProtocols as protocols, type ServerProtocol } from '../../../../src/core/config/schema.ts'
import { startLab } from '../../../../src/testing/start-lab.ts'
import { thumbprintOf } from '../../../../src/tls/pki/certificate/certificate.ts'
import { openCertificateStore } from '../../../../src/tls/pki/certificate-store/store.ts'
import { certificatesOf } from '../../../../src/tls/pki/lifecycle/certificates.ts'
import { newFolder } from '../../../support/folder.ts'
import { isLong } from '../../../support/long.ts'
import { certificateOn, loadAccounts, SessionLoad } from '../../../support/session-load.ts'
import { storeOptions } from '../support.ts'

/** Each protocol has its turn with an old key and with a new one. */
const rounds = isLong ? 100 : 2 * protocols.length

it('certificates that are replaced under load break no session, and every new handshake is right', {
  timeout: 300_000,
}, async () => {
  const folder = newFolder()
  const path = join(folder, 'certs')
  await using lab = await startLab({
    certificates: { store: path, key: 'p256' },
    directory: { accounts: loadAccounts },
    virtualServers: protocols.map((protocol) => ({ protocol, port: 0, tlsPort: 0 })),
  })
  const load = new SessionLoad(lab)
  const servedOn = async (protocol: ServerProtocol): Promise<string> =>
    thumbprintOf(await certificateOn(lab.server(protocol).tlsPort, lab.ca, protocol))

  // A second store on the same folder changes it as another process would.
  await using other = await openCertificateStore(storeOptions(path))
  const certificates = certificatesOf(other, () => ({
    hostname: 'localhost',
    names: ['localhost'],
    virtualServers: protocols.map((protocol) => ({
      name: lab.server(protocol).name,
      protocol,
      address: '127.0.0.1',
      certificate: { kind: 'auto' },
    })),
  }))
  for (const protocol of protocols) {
    await certificates.issue({ for: protocol, names: ['127.0.0.1'], resolver: async () => ['127.0.0.1'] })
  }
  // Until the lab has read these changes, clients see the automatic certificate.
  for (const protocol of protocols) {
    const first = await certificates.thumbprintInUse(protocol)
    await expect.poll(() => servedOn(protocol), { timeout: 60_000 }).toBe(first)
  }
  for (let round = 0; round < rounds; round++) {
    const protocol = protocols[round % protocols.length] as ServerProtocol
    const before = await certificates.thumbprintInUse(protocol)
    const renewal = await certificates.renew(before, { newKey: round % 2 === 0 })
    if (renewal.state !== 'renewed') throw new Error(renewal.state)
    const next = renewal.record.thumbprint
    const exchangesBefore = load.exchanges
    const seen = new Set<string>()
    while (!seen.has(next)) seen.add(await servedOn(protocol))
    // Clients see the old certificate or the new one, never another.
    expect([...seen].filter((one) => one !== before && one !== next)).toEqual([])
    expect(load.exchanges).toBeGreaterThan(exchangesBefore)
  }
  await load.stop()
})

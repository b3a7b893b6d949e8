import pino from 'pino'
import { describe, expect, it } from 'vitest'
import type { LabInput, VirtualServerInput } from '../../../src/core/config/schema.ts'
import { startLab } from '../../../src/testing/start-lab.ts'
import type { TestLab } from '../../../src/testing/test-lab.ts'
import { legacyVersions } from '../../../src/tls/legacy/suites.ts'
import { LegacyClient } from './client.ts'

const config = (server: Partial<VirtualServerInput>): LabInput => ({
  virtualServers: [{ protocol: 'pop3', ...server }],
})

/** Returns the suite that a client negotiates, or the alert that it receives. */
async function outcome(lab: TestLab, suites: readonly number[], version = legacyVersions.TLSv1): Promise<string> {
  const client = LegacyClient.connect(lab.server('pop3').tlsPort, { suites, version })
  try {
    return (await client.handshake()).suite.name
  } catch (error) {
    return (error as Error).message.replace(/^.*alert /, '')
  } finally {
    client.destroy()
  }
}

const RC4_MD5 = 0x0004
const DES = 0x0009
const TRIPLE_DES = 0x000a
const AES_128 = 0x002f

describe('tls.legacy in a lab', () => {
  it('is off by default', async () => {
    await using lab = await startLab(config({}))
    expect(await outcome(lab, [AES_128, TRIPLE_DES])).toMatch(/protocol_version|handshake_failure/)
    await expect.poll(() => lab.sessions()[0]?.refusals[0]).toMatch(/the client offers TLSv1, .* allows TLSv1.2/)
  })

  it('may be a list of suites, in the order of preference', async () => {
    await using lab = await startLab(
      config({ tls: { legacy: ['TLS_RSA_WITH_RC4_128_MD5', 'TLS_RSA_WITH_AES_128_CBC_SHA'] } }),
    )
    expect(await outcome(lab, [AES_128, RC4_MD5])).toBe('TLS_RSA_WITH_RC4_128_MD5')
    expect(await outcome(lab, [TRIPLE_DES])).not.toMatch(/TLS_RSA/)
  })

  it('counts 3DES by its key length, or by its strength if configured', async () => {
    const required = { require128BitEncryption: true }
    await using nominal = await startLab(config({ ...required, tls: { legacy: true } }))
    expect(await outcome(nominal, [TRIPLE_DES, DES])).toBe('TLS_RSA_WITH_3DES_EDE_CBC_SHA')
    await using effective = await startLab(config({ ...required, tls: { legacy: true, strength: 'effective' } }))
    expect(await outcome(effective, [TRIPLE_DES, DES])).toBe('insufficient_security')
    expect(await outcome(effective, [TRIPLE_DES, RC4_MD5])).toBe('TLS_RSA_WITH_RC4_128_MD5')
  })

  it('leaves TLS 1.0 to Node.js if the policy allows it and a suite is shared', async () => {
    await using lab = await startLab({
      certificates: { store: 'memory', key: 'rsa-2048' },
      ...config({ tls: { legacy: true, minVersion: 'TLSv1', ciphers: 'AES128-SHA' } }),
    })
    expect(await outcome(lab, [AES_128])).toBe('TLS_RSA_WITH_AES_128_CBC_SHA')
    expect(await outcome(lab, [DES])).toBe('TLS_RSA_WITH_DES_CBC_SHA')
    const [regular, old] = lab.sessions().map(({ tls }) => tls?.certificate?.thumbprint)
    expect(regular).toBe(lab.server('pop3').certificate?.thumbprint)
    expect(old).not.toBe(regular)
  })

  it('accepts no old client, and logs it, if no certificate has an RSA key', async () => {
    const lines: string[] = []
    const log = pino({ level: 'warn' }, { write: (line: string) => lines.push(line) })
    await using lab = await startLab(config({ tls: { legacy: true } }), { log })
    expect(await outcome(lab, [DES])).toBe('TLS_RSA_WITH_DES_CBC_SHA')
    const { name } = lab.server('pop3')
    await lab.certificates.issue({ for: name, key: 'p256' })
    await expect.poll(() => lines.join('')).toContain('old clients need a certificate with an RSA key')
    expect(await outcome(lab, [DES])).not.toBe('TLS_RSA_WITH_DES_CBC_SHA')
    await lab.certificates.remove(name)
    await expect.poll(() => outcome(lab, [DES])).toBe('TLS_RSA_WITH_DES_CBC_SHA')
  })
})

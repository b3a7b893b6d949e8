import { once } from 'node:events'
import { type ConnectionOptions, connect } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { startLab } from '../../../../src/testing/start-lab.ts'
import type { TestLab } from '../../../../src/testing/test-lab.ts'

/** Connects, verifies the certificate against the lab's roots and returns the type of its key. */
async function keyType(lab: TestLab, options: ConnectionOptions): Promise<string> {
  const { tlsPort } = lab.server('imap4')
  const socket = connect({
    host: '127.0.0.1',
    port: tlsPort,
    ca: lab.ca,
    ...options,
  })
  await once(socket, 'data') // the greeting
  const type = socket.getPeerX509Certificate()?.publicKey.asymmetricKeyType ?? ''
  socket.destroy()
  return type
}

const rsaOnly = 'rsa_pss_rsae_sha256:rsa_pkcs1_sha256'
const ecOnly = 'ecdsa_secp256r1_sha256'

describe.each([
  { order: 'EC first', certificate: [{ variant: 'p256' }, { variant: 'rsa' }] },
  { order: 'RSA first', certificate: [{ variant: 'rsa' }, { variant: 'p256' }] },
] as const)('an RSA and an EC certificate on one virtual server, $order', ({ certificate }) => {
  it('are chosen by what the client can verify, with and without SNI', async () => {
    await using lab = await startLab({
      certificates: { store: 'memory', key: 'p256' },
      virtualServers: [{ protocol: 'imap4', port: 0, tlsPort: 0, certificate: [...certificate] }],
    })
    for (const sni of [{}, { servername: 'localhost' }]) {
      const tls12 = { ...sni, maxVersion: 'TLSv1.2' } as const
      expect(await keyType(lab, { ...tls12, ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' })).toBe('rsa')
      expect(await keyType(lab, { ...tls12, ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' })).toBe('ec')
      const tls13 = { ...sni, minVersion: 'TLSv1.3' } as const
      expect(await keyType(lab, { ...tls13, sigalgs: rsaOnly })).toBe('rsa')
      expect(await keyType(lab, { ...tls13, sigalgs: ecOnly })).toBe('ec')
    }
    const served = lab.sessions().map(({ tls }) => tls?.certificate?.friendlyName)
    expect(served).toEqual(Array(2).fill(['variant: rsa', 'variant: p256', 'variant: rsa', 'variant: p256']).flat())
  })
})

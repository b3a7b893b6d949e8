import { afterAll, expect, it } from 'vitest'
import { sClient } from '../support/openssl.ts'
import { CertificateLab } from './cert-support.ts'

/** An authority of the lab is below an outside root, which has also issued certificates of clients. */

const pki = new CertificateLab(`hostname: localhost
certificates: { store: certs, key: p256 }
virtualServers:
  - { protocol: imap4, port: 0, tlsPort: 0, clientCertificates: require }
`)
await pki.outsideAuthority('world')
await pki.outsideAuthority('middle', 'world')
await pki.done('ca', 'create', 'subordinate', 'Ours', '--outside', '--out', 'ours.csr')
await pki.installFrom('world', 'ours.csr')
pki.write('ours.pem', pki.text('signed.pem'))
await pki.done('ca', 'export', '--out', 'roots.pem')
pki.write('client.ext', 'extendedKeyUsage=clientAuth\nauthorityKeyIdentifier=keyid\n')
for (const [name, signer] of [
  ['direct', 'world'],
  ['below', 'middle'],
] as const) {
  await pki.opensslRequest(name, { key: `${name}.key`, out: `${name}.csr` })
  await pki.signWith('client.ext', signer, `${name}.csr`, `${name}.pem`)
}
const alice = ['ca', 'user', 'Alice', '--authority', 'Ours', '--email', 'alice@lab.test']
await pki.done(...alice, '--out', 'alice.p12', '--password', 'secret')
await pki.openssl('pkcs12', '-in', 'alice.p12', '-passin', 'pass:secret', '-nodes', '-out', 'alice.pem')
pki.write('alice.key', pki.text('alice.pem'))
const running = await pki.start(['--config', 'lab.yaml'])
afterAll(() => running.end())

/** Connects with a client certificate. Returns what `openssl s_client` says. */
const connect = (name: string, ...more: readonly string[]): Promise<string> => {
  const server = ['-connect', `127.0.0.1:${running.endpoint('imap4').tlsPort}`, '-CAfile', pki.path('roots.pem')]
  const client = ['-cert', pki.path(`${name}.pem`), '-key', pki.path(`${name}.key`)]
  return sClient([...server, ...client, ...more], 'a LOGOUT\r\n')
}

/** Adds the list of an outside authority, which revokes these certificates. */
async function revoke(signer: string, revoked: readonly string[]): Promise<void> {
  pki.write('ca.cnf', `[ca]\ndefault_ca=x\n[x]\ndatabase=${signer}.db\ndefault_md=sha256\n`)
  pki.write(`${signer}.db`, '')
  const ca = ['ca', '-config', 'ca.cnf', '-cert', `${signer}.pem`, '-keyfile', `${signer}.key`]
  for (const file of revoked) await pki.openssl(...ca, '-revoke', file)
  await pki.openssl(...ca, '-gencrl', '-crldays', '5', '-out', `${signer}.crl`)
  await pki.done('ca', 'add-trusted', `${signer}.crl`)
}

it('the revocation lists of outside authorities apply to client certificates', async () => {
  const middle = ['-servername', 'localhost', '-cert_chain', pki.path('middle.pem')]
  const alert = 'SSL alert number 44'
  for (const list of [[], ['direct.pem']]) {
    await revoke('world', list)
    expect(await connect('below', ...middle)).toContain('a OK')
    expect(await connect('alice')).toContain('a OK')
    const direct = await connect('direct')
    if (list.length > 0) expect(direct).toContain(alert)
    else expect(direct).toContain('a OK')
  }
  await revoke('middle', ['below.pem'])
  expect(await connect('below', ...middle)).toContain(alert)
  await revoke('middle', [])
  expect(await connect('below', ...middle)).toContain('a OK')
  // An authority above the client’s certificate is revoked: an outside one, and that of the lab.
  await revoke('world', ['middle.pem', 'ours.pem'])
  // Node.js 24 does not show the intermediate authority that the client sends.
  if (!process.version.startsWith('v24.')) expect(await connect('below', ...middle)).toContain(alert)
  expect(await connect('alice')).toContain(alert)
  expect(await connect('direct')).toContain('a OK')
  const { stdout } = await pki.sealpost('sessions', '--json')
  expect(stdout).toContain('is issued by an authority that is revoked by the list of world')
})

import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { thumbprintOf } from '../../src/tls/pki/certificate/certificate.ts'
import { freePorts } from '../support/free-ports.ts'
import { isLong } from '../support/long.ts'
import { needs } from '../support/programs.ts'
import type { StartedLab } from '../support/sealpost.ts'
import { isThorough } from '../support/thorough.ts'
import { run } from '../tls/pki/support.ts'
import { CertificateLab, imap4, type ShownCertificate, smtp } from './cert-support.ts'

const javaClient = fileURLToPath(new URL('./TrustingClient.java', import.meta.url))

let pki: CertificateLab
let running: StartedLab

/** The certificates of both virtual servers come from different authorities below a root that gets new keys. */
beforeAll(async () => {
  const [port] = await freePorts(1)
  pki = new CertificateLab(`hostname: localhost
certificates: { store: certs, key: p256, service: { address: 127.0.0.1, port: ${port} } }
virtualServers:
  - { protocol: smtp, port: 0 }
  - { protocol: imap4, port: 0, tlsPort: 0 }
`)
  await pki.done('ca', 'create', 'root', 'Root', '--path-length', '3', '--exclude', 'example.test', '--default')
  await pki.done('ca', 'create', 'subordinate', 'Issuing', '--parent', 'Root', '--days', '900')
  running = await pki.start(['--config', 'lab.yaml'])
  await pki.done('cert', 'issue', '--for', imap4, '--cn', 'localhost', '--name', 'Direct', '--authority', 'Root')
  await pki.done('cert', 'issue', '--for', smtp, '--cn', 'localhost', '--name', 'Below', '--authority', 'Issuing')
  await pki.done('ca', 'export', 'Root', '--out', 'root1.pem')
})
afterAll(() => running.end())

const servers = [imap4, smtp]

/** Returns the certificates that a virtual server of the running lab sends, its own first. */
async function received(server: string): Promise<string[]> {
  const port = server === imap4 ? running.endpoint('imap4').tlsPort : running.endpoint('smtp').port
  const starttls = server === imap4 ? [] : ['-starttls', 'smtp']
  const { out } = await run('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-showcerts', ...starttls], '')
  return out.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g) ?? []
}

/** Waits until a virtual server serves a certificate. */
const servedBy = (server: string, thumbprint: string): Promise<void> =>
  expect
    .poll(async () => thumbprintOf(new X509Certificate((await received(server))[0] ?? '')), { timeout: 20_000 })
    .toBe(thumbprint)

/** Verifies what a virtual server sends with openssl and certtool, for a client that trusts one root. */
async function verify(server: string, root: string): Promise<void> {
  const [leaf = '', ...others] = await received(server)
  pki.write('leaf.pem', leaf)
  pki.write('others.pem', others.join(''))
  pki.write('sent.pem', leaf + others.join(''))
  const untrusted = others.length > 0 ? ['-untrusted', 'others.pem'] : []
  const args = ['-x509_strict', '-purpose', 'sslserver', '-verify_hostname', 'localhost', '-CAfile', root]
  expect(await pki.openssl('verify', ...args, ...untrusted, 'leaf.pem')).toContain('OK')
  if (!hasCerttool) return
  const files = ['--load-ca-certificate', pki.path(root), '--infile', pki.path('sent.pem')]
  const { out } = await run('certtool', ['--verify', '--verify-hostname', 'localhost', ...files])
  expect(out).toContain('Chain verification output: Verified. The certificate is trusted.')
}

const hasCerttool = needs('certtool')

describe('roots of earlier keys', () => {
  it('come after the present one, although a subordinate authority is still below them', async () => {
    const own = new CertificateLab('certificates: { store: certs, key: p256 }\n')
    await own.done('ca', 'create', 'root', 'Top', '--default')
    await own.done('ca', 'create', 'subordinate', 'Below', '--parent', 'Top', '--default')
    await own.done('ca', 'export', 'Top', '--out', 'before.pem')
    await own.done('ca', 'renew', 'Top', '--new-key')
    // Its exit status says that the store has none of the roots.
    const { stdout } = await own.sealpost('trust', 'status', '--store', 'system', '--json')
    const { stores } = JSON.parse(stdout) as { stores: { root: string; key: string; thumbprint: string }[] }
    const thumbprint = thumbprintOf(new X509Certificate(own.text('before.pem')))
    const top = stores.filter(({ root }) => root === 'Top')
    expect(new Set(top.map(({ key, thumbprint: of }) => `${key} ${of === thumbprint}`))).toEqual(
      new Set(['current false', 'earlier true']),
    )
    await own.done('ca', 'export', '--out', 'all.pem')
    const exported = own.text('all.pem').match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? []
    const keys = exported.map(
      (pem) => top.find((one) => one.thumbprint === thumbprintOf(new X509Certificate(pem)))?.key,
    )
    expect(keys.filter(Boolean)).toEqual(['current', 'earlier'])
    expect(keys[0]).toBe('current')
  })
})

describe('sealpost ca renew --new-key', () => {
  it('gives a root a new key; clients need only one of the roots, for old certificates and for new ones', async () => {
    const before = await received(imap4)
    expect(before).toHaveLength(1)
    expect(await pki.done('ca', 'renew', 'Root', '--new-key', '--curve', 'P-384')).toMatch(
      /^"Root" is renewed until 20\d\d-\d\d-\d\d, with a new key\./,
    )
    await pki.done('ca', 'export', 'Root', '--out', 'root2.pem')
    expect(await pki.openssl('x509', '-in', 'root2.pem', '-noout', '-text')).toMatch(
      /NIST CURVE: P-384[\s\S]*pathlen:3[\s\S]*DNS:example\.test/,
    )
    expect(await pki.json('ca', 'list')).toContainEqual(
      expect.objectContaining({ name: 'Root', keys: 2, key: 'P-384' }),
    )
    // The lab applies the change: the old certificates get another chain.
    await expect.poll(async () => (await received(imap4)).length, { timeout: 20_000 }).toBe(2)
    await expect.poll(async () => (await received(smtp)).length, { timeout: 20_000 }).toBe(3)
    for (const server of servers) for (const root of ['root1.pem', 'root2.pem']) await verify(server, root)
    expect((await received(imap4))[0]).toBe(before[0])
    for (const [server, authority] of [
      [imap4, 'Root'],
      [smtp, 'Issuing'],
    ] as const) {
      const { thumbprint } = await pki.json('cert', 'renew', '--for', server)
      await servedBy(server, thumbprint ?? '')
      for (const root of ['root1.pem', 'root2.pem']) await verify(server, root)
      expect(await pki.openssl('x509', '-in', 'leaf.pem', '-noout', '-issuer')).toContain(authority)
    }
    expect((await pki.sealpost('check')).stderr).not.toMatch(/certificate|chain/)
  })

  it.runIf(isLong && needs('java', 'javac', 'keytool'))(
    'Java accepts the certificates of both keys with either root',
    async () => {
      expect((await run('javac', ['-d', pki.folder, javaClient])).code).toBe(0)
      for (const root of ['root1', 'root2']) {
        const store = pki.path(`${root}.p12`)
        const files = ['-file', pki.path(`${root}.pem`), '-keystore', store, '-storetype', 'PKCS12']
        const keytool = ['-importcert', '-noprompt', '-alias', 'lab', ...files, '-storepass', 'changeit']
        expect((await run('keytool', keytool)).code).toBe(0)
        for (const name of ['Direct', 'Below']) {
          for (const nth of [0, -1]) {
            const all = (await pki.json<ShownCertificate[]>('cert', 'list')).filter(({ friendlyName }) =>
              friendlyName.startsWith(name),
            )
            const { thumbprint = '' } = all.at(nth) ?? {}
            await pki.done('cert', 'assign', thumbprint, '--for', imap4)
            await servedBy(imap4, thumbprint)
            const trust = [`-Djavax.net.ssl.trustStore=${store}`, '-Djavax.net.ssl.trustStorePassword=changeit']
            const client = ['-cp', pki.folder, 'TrustingClient', 'localhost', `${running.endpoint('imap4').tlsPort}`]
            const { code, out, err } = await run('java', [...trust, ...client])
            expect(out, `${name} ${nth} ${root}: ${err}`).toContain('* OK')
            expect(code).toBe(0)
          }
        }
      }
    },
    120_000,
  )

  it('keeps the revocation list and the OCSP responses of the old key', async () => {
    const all = (await pki.json<ShownCertificate[]>('cert', 'list')).filter(({ friendlyName }) =>
      friendlyName.startsWith('Direct'),
    )
    expect(all.length).toBe(2)
    const shown = await Promise.all(all.map(({ thumbprint }) => pki.json<ShownCertificate>('cert', 'show', thumbprint)))
    const status = async (certificate: ShownCertificate, root: string): Promise<string> => {
      pki.write('one.pem', certificate.certificatePem)
      const url = (await pki.openssl('x509', '-in', 'one.pem', '-noout', '-ocsp_uri')).trim()
      return pki.openssl('ocsp', '-issuer', root, '-cert', 'one.pem', '-CAfile', root, '-url', url)
    }
    const listed = async (certificate: ShownCertificate, root: string): Promise<string> => {
      pki.write('one.pem', certificate.certificatePem)
      const text = await pki.openssl('x509', '-in', 'one.pem', '-noout', '-ext', 'crlDistributionPoints')
      const url = /URI:(\S+)/.exec(text)?.[1] ?? ''
      writeFileSync(pki.path('one.crl'), Buffer.from(await (await fetch(url)).arrayBuffer()))
      expect(await pki.openssl('crl', '-in', 'one.crl', '-CAfile', root, '-noout')).toContain('verify OK')
      return pki.openssl('crl', '-in', 'one.crl', '-noout', '-text')
    }
    const [old, fresh] = shown as [ShownCertificate, ShownCertificate]
    const roots = [
      [old, 'root1.pem'],
      [fresh, 'root2.pem'],
    ] as const
    for (const [certificate, root] of roots) {
      expect(await status(certificate, root)).toMatch(/: good/)
      expect(await listed(certificate, root)).not.toContain(certificate.serial)
    }
    // All lists together: also the cross certificates can be checked.
    await pki.done('ca', 'crl', 'Root', '--out', 'both.crl')
    const checks = ['-crl_check_all', '-CRLfile', 'both.crl', '-untrusted', 'cross.pem']
    pki.write(
      'cross.pem',
      (await pki.done('ca', 'export', 'Root', '--format', 'chain', '--out', '-')).replace(pki.text('root2.pem'), ''),
    )
    for (const [certificate] of roots) {
      pki.write('one.pem', certificate.certificatePem)
      for (const root of ['root1.pem', 'root2.pem']) {
        expect(await pki.openssl('verify', ...checks, '-CAfile', root, 'one.pem')).toContain('OK')
      }
    }
    for (const [certificate, root] of roots) {
      await pki.done('ca', 'revoke', certificate.serial)
      expect(await status(certificate, root)).toMatch(/: revoked/)
      expect(await listed(certificate, root)).toContain(certificate.serial.replace(/^0+/, ''))
    }
    expect(await listed(old, 'root1.pem')).not.toContain(fresh.serial)
    await pki.done('ca', 'crl', 'Root', '--out', 'both.crl')
    for (const [certificate, root] of roots) {
      pki.write('one.pem', certificate.certificatePem)
      expect(await pki.opensslCode('verify', ...checks, '-CAfile', root, 'one.pem')).toBe(2)
    }
  })

  it('gives a root a third key: each of the three roots is enough', async () => {
    const second = await pki.issue(imap4, 'Second')
    await pki.done('ca', 'renew', 'Root', '--new-key', '--bits', '2048')
    await pki.done('ca', 'export', 'Root', '--out', 'root3.pem')
    const third = await pki.issue(imap4, 'Third')
    for (const thumbprint of [second, third]) {
      await pki.done('cert', 'assign', thumbprint, '--for', imap4)
      await servedBy(imap4, thumbprint)
      for (const root of ['root1.pem', 'root2.pem', 'root3.pem']) await verify(imap4, root)
    }
    for (const root of ['root1.pem', 'root2.pem', 'root3.pem']) {
      await vi.waitFor(() => verify(smtp, root), { timeout: 20_000, interval: 200 })
    }
    const exported = await pki.done('ca', 'export')
    for (const root of ['root1.pem', 'root2.pem', 'root3.pem']) expect(exported).toContain(pki.text(root).trim())
  })

  it('gives an authority below a root of the lab a new key', async () => {
    await pki.done('ca', 'export', 'Issuing', '--out', 'issuing1.pem')
    await pki.done('ca', 'renew', 'Issuing', '--new-key')
    await pki.done('ca', 'export', 'Issuing', '--out', 'issuing2.pem')
    expect(await pki.openssl('x509', '-in', 'issuing1.pem', '-noout', '-pubkey')).not.toBe(
      await pki.openssl('x509', '-in', 'issuing2.pem', '-noout', '-pubkey'),
    )
    for (const root of ['root1.pem', 'root3.pem']) await verify(smtp, root)
    await pki.opensslRequest('localhost', { key: 'k', out: 'leaf.csr' })
    await pki.done('ca', 'sign', 'leaf.csr', '--authority', 'Issuing', '--out', 'leaf.pem')
    expect(
      await pki.openssl('verify', '-x509_strict', '-CAfile', 'root3.pem', '-untrusted', 'issuing2.pem', 'leaf.pem'),
    ).toContain('OK')
    expect(await pki.refused('ca', 'delete', 'Root')).toMatch(/default|below it/)
  })

  it.runIf(isThorough)(
    'writes a request for an authority below an outside one, which keeps its certificate until the answer',
    async () => {
      await pki.outsideAuthority('world')
      await pki.done('ca', 'create', 'subordinate', 'Guest', '--outside', '--out', 'guest.csr')
      await pki.installFrom('world', 'guest.csr')
      await pki.opensslRequest('localhost', { key: 'k', out: 'leaf.csr' })
      const issue = async (file: string): Promise<void> => {
        await pki.done('ca', 'sign', 'leaf.csr', '--authority', 'Guest', '--days', '5', '--chain', '--out', file)
        expect(await pki.openssl('verify', '-CAfile', 'world.pem', '-untrusted', file, file)).toContain('OK')
      }
      await issue('guest1.pem')
      for (const [args, file] of [
        [[], 'guest2.pem'],
        [['--new-key'], 'guest3.pem'],
      ] as const) {
        expect(await pki.json('ca', 'renew', 'Guest', ...args, '--out', 'renewal.csr')).toMatchObject({
          state: 'requested',
        })
        expect(await pki.openssl('req', '-in', 'renewal.csr', '-verify', '-noout', '-text')).toMatch(
          /CN=Guest[\s\S]*CA:TRUE/,
        )
        await issue(`before-${file}`)
        await pki.installFrom('world', 'renewal.csr')
        await issue(file)
      }
      const issuer = async (file: string) =>
        pki.openssl('x509', '-in', file, '-noout', '-ext', 'authorityKeyIdentifier')
      expect(await issuer('guest2.pem')).toBe(await issuer('guest1.pem'))
      expect(await issuer('guest3.pem')).not.toBe(await issuer('guest1.pem'))
      const { serial } = (await pki.json<{ serial: string }[]>('ca', 'issued', 'Guest'))[0] ?? { serial: '' }
      await pki.done('ca', 'revoke', serial)
      await pki.done('ca', 'crl', 'Guest', '--out', 'guest.crl')
      const check = ['verify', '-CAfile', 'world.pem', '-crl_check', '-CRLfile', 'guest.crl', '-untrusted']
      expect(await pki.opensslCode(...check, 'guest1.pem', 'guest1.pem')).toBe(2)
      expect(await pki.openssl(...check, 'guest3.pem', 'guest3.pem')).toContain('OK')
    },
  )

  it('refuses a type of key without --new-key', async () => {
    const { status, stderr } = await pki.sealpost('ca', 'renew', 'Root', '--bits', '2048')
    expect([status, stderr]).toEqual([2, expect.stringContaining('work only with --new-key; add it')])
  })
})

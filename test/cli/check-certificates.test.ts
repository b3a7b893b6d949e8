import { writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { beforeEach, describe, expect, it } from 'vitest'
import { certificateNames } from '../../src/tls/pki/certificate/names.ts'
import { CertificateLab, pop3, smtp } from './cert-support.ts'

let pki: CertificateLab

beforeEach(() => {
  pki = new CertificateLab()
})

const check = async (): Promise<{ status: number | null; findings: string[] }> => {
  const { status, stdout } = await pki.sealpost('check', '--json')
  const { findings } = JSON.parse(stdout) as { findings: { severity: string; message: string }[] }
  return { status, findings: findings.map(({ severity, message }) => `${severity}: ${message}`) }
}

/** Creates NAME.pem, an authority that `signer` signs with these lines of extensions. */
async function outside(name: string, signer: string, ...lines: readonly string[]): Promise<void> {
  writeFileSync(pki.path('x.ext'), `${lines.join('\n')}\n`)
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`]
  await pki.openssl('req', '-new', ...key, '-subj', `/CN=${name}`, '-out', `${name}.csr`)
  const by = ['-CA', `${signer}.pem`, '-CAkey', `${signer}.key`, '-extfile', 'x.ext', '-days', '60']
  await pki.openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-out', `${name}.pem`)
}

/** Imports a certificate for localhost that `signer` signs, with the certificates of these authorities. */
async function serve(signer: string, lines: readonly string[], ...chain: readonly string[]): Promise<void> {
  await outside('leaf', signer, ...lines)
  pki.write('all.pem', ['leaf.key', 'leaf.pem', ...chain].map((name) => pki.text(name)).join(''))
  await pki.done('cert', 'import', 'all.pem', '--for', pop3)
}

const authority = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign']
const server = ['subjectAltName=DNS:localhost', 'extendedKeyUsage=serverAuth']

describe('a default authority with name constraints', () => {
  const create = ['ca', 'create', 'subordinate', 'Limited', '--permit', 'example.test', '--default']

  it('is refused if they forbid the names of automatic certificates', async () => {
    await pki.done('ca', 'list')
    expect(await pki.refused(...create)).toMatch(
      /"Limited" cannot issue for certificate: auto: "Limited" may issue only for example\.test, not for localhost; permit every name of the lab \(localhost, .*--authority; --force makes it the default anyway/,
    )
    expect(await pki.refused('ca', 'create', 'root', 'R', '--exclude', 'localhost', '--default')).toContain(
      '"R" may not issue for localhost',
    )
    const names = certificateNames('localhost').filter((name) => isIP(name) === 0)
    await pki.done('ca', 'create', 'subordinate', 'Fitting', '--permit', ...names, '127.0.0.1', '::1', '--default')
    await using _running = await pki.start(['--config', 'lab.yaml'])
    expect(await pki.sealpost('healthcheck')).toMatchObject({ status: 0, stderr: '' })
  })

  it('is reported by check if it was forced, before and after the certificate is issued', async () => {
    await pki.done('cert', 'list')
    await pki.done(...create, '--force')
    const expected = /^error: Default SMTP Virtual Server: the certificate .*"Limited" may issue only for example\.test/
    const before = await check()
    expect(before).toMatchObject({ status: 1, findings: expect.arrayContaining([expect.stringMatching(expected)]) })
    {
      await using _running = await pki.start(['--config', 'lab.yaml'])
      expect((await pki.sealpost('healthcheck')).status).toBe(1)
    }
    const after = await check()
    expect(after).toMatchObject({ status: 1, findings: expect.arrayContaining([expect.stringMatching(expected)]) })
    expect(after.findings.join()).toContain('violates name constraints')
  })
})

describe('sealpost check reports for what clients refuse a served certificate', () => {
  beforeEach(() => pki.outsideAuthority('world'))

  it.each([
    [
      'name constraints of an issuer',
      [...authority, 'nameConstraints=critical,permitted;DNS:example.test'],
      server,
      /name constraints: "middle" may issue only for example\.test/,
    ],
    [
      'purposes of an issuer',
      [...authority, 'extendedKeyUsage=clientAuth'],
      server,
      /invalid chain: middle may not issue certificates for servers/,
    ],
    [
      'its own purposes',
      authority,
      ['subjectAltName=DNS:localhost', 'extendedKeyUsage=clientAuth'],
      /is not meant for servers/,
    ],
    ['nothing', authority, server, undefined],
  ])('%s', async (_, middle, leaf, expected) => {
    await outside('middle', 'world', ...middle)
    await serve('middle', leaf, 'middle.pem', 'world.pem')
    const verify = ['verify', '-purpose', 'sslserver', '-CAfile', 'world.pem', '-untrusted', 'middle.pem', 'leaf.pem']
    expect(await pki.opensslCode(...verify)).toBe(expected ? 2 : 0)
    const { findings } = await check()
    const errors = findings.filter((line) => line.startsWith('error:') && line.includes(pop3))
    expect(errors).toEqual(expected ? [expect.stringMatching(expected)] : [])
  })

  it('a host name only in the common name', async () => {
    await serve('world', ['extendedKeyUsage=serverAuth'], 'world.pem')
    expect((await check()).findings.join('\n')).toMatch(
      /is not issued to localhost, but to no host name \(subjectAltName/,
    )
  })

  it('an issuer that is revoked', async () => {
    await pki.done('ca', 'create', 'subordinate', 'Middle CA')
    await pki.done('cert', 'issue', '--for', smtp, '--cn', 'localhost', '--authority', 'Middle CA')
    expect((await check()).status).toBe(0)
    const list = await pki.json<{ name: string; thumbprint: string }[]>('ca', 'list')
    await pki.done('ca', 'revoke', list.find(({ name }) => name === 'Middle CA')?.thumbprint ?? '')
    expect(await check()).toMatchObject({
      status: 1,
      findings: expect.arrayContaining([expect.stringMatching(/was issued by Middle CA, which is revoked/)]),
    })
  })

  it('an issuer that is about to expire', async () => {
    await pki.done('ca', 'create', 'root', 'Short', '--days', '6')
    await pki.done('cert', 'issue', '--for', smtp, '--cn', 'localhost', '--authority', 'Short')
    expect((await check()).findings.join('\n')).toMatch(/was issued by Short, which expires in 5 days/)
  })
})

describe('a virtual server whose certificate is not assigned', () => {
  const yaml = (server: string, store = '{ store: certs, key: p256 }'): string =>
    `hostname: localhost\ncertificates: ${store}\ndirectory: { accounts: [{ user: a, password: b }] }\nvirtualServers: [{ protocol: pop3, certificate: assigned, tlsPort: 0, ${server} }]\n`

  it.each([
    [
      'port: 0, requireSecureChannel: true',
      /no client can use it: it requires a secure channel, and no certificate is/,
    ],
    ['port: off', /no client can use it: its clear-text port is off, and no certificate is assigned/],
  ])('is reported by check and start: %s', async (server, expected) => {
    pki.write('lab.yaml', yaml(server))
    expect(await check()).toMatchObject({ status: 1, findings: [expect.stringMatching(expected)] })
    {
      await using running = await pki.start(['--config', 'lab.yaml'])
      await running.logged('no client can use it')
    }
    expect(await check()).toMatchObject({ status: 1, findings: [expect.stringMatching(expected)] })
    await pki.done('cert', 'issue', '--for', pop3, '--cn', 'localhost')
    expect(await check()).toMatchObject({ status: 0, findings: [] })
    pki.write('lab.yaml', yaml(server, 'memory'))
    expect(await check()).toMatchObject({ status: 1, findings: [expect.stringMatching(expected)] })
  })

  it('is no problem if clients can use clear text', async () => {
    pki.write('lab.yaml', yaml('port: 0'))
    expect(await check()).toMatchObject({ status: 0, findings: [] })
  })
})

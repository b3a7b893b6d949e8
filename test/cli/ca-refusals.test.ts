import { describe, expect, it } from 'vitest'
import { some } from '../support/thorough.ts'
import { CertificateLab, imap4, smtp } from './cert-support.ts'

const pki = new CertificateLab()

const limits = ['--permit', 'example.test', '@example.test', '192.0.2.0/24', '--exclude', 'secret.example.test']
await pki.done('ca', 'create', 'root', 'Narrow', ...limits)
await pki.done('ca', 'create', 'subordinate', 'Below Narrow', '--parent', 'Narrow')
for (const name of ['Narrow', 'Below Narrow']) {
  await pki.done('ca', 'export', name, '--format', 'chain', '--out', `${name}.pem`)
}

const untrusted = (name: string): string[] => ['-CAfile', 'Narrow.pem', '-untrusted', `${name}.pem`]

describe('an authority issues nothing that its name constraints forbid', () => {
  it.each(
    some(
      [
        ['DNS:mail.example.test', true],
        ['DNS:example.test', true],
        ['DNS:*.example.test', true],
        ['DNS:EXAMPLE.TEST', true],
        ['DNS:badexample.test', false],
        ['DNS:mail.other.test', false],
        ['DNS:a.secret.example.test', false],
        ['DNS:mail.example.test,DNS:mail.other.test', false],
        ['IP:192.0.2.7', true],
        ['IP:192.0.3.7', false],
        ['IP:2001:db8::1', false],
        ['email:alice@example.test', true],
        ['email:alice@EXAMPLE.test', true],
        ['email:alice@mail.example.test', false],
        ['email:alice@other.test', false],
      ],
      6,
    ),
  )('%s: OpenSSL accepts it: %s', async (names, accepted) => {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'n.key']
    await pki.openssl('req', '-new', ...key, '-subj', '/O=N', '-addext', `subjectAltName=${names}`, '-out', 'n.csr')
    for (const name of ['Narrow', 'Below Narrow']) {
      const args = ['ca', 'sign', 'n.csr', '--authority', name, '--out', 'n.pem']
      if (!accepted) {
        expect(await pki.refused(...args)).toMatch(
          /would refuse .*: "Narrow" may (issue only for .*, not for|not issue for) .*--force issues it anyway/,
        )
        args.push('--force')
      }
      await pki.done(...args)
      expect(await pki.opensslCode('verify', ...untrusted(name), 'n.pem')).toBe(accepted ? 0 : 2)
    }
  })

  it.each([
    ['mail.other.test', false],
    ['mail.example.test', true],
  ])('a common name %s without other names', async (name, accepted) => {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'n.key']
    const names = ['-addext', 'subjectAltName=email:a@example.test']
    await pki.openssl('req', '-new', ...key, '-subj', `/CN=${name}`, ...names, '-out', 'n.csr')
    await pki.done('ca', 'sign', 'n.csr', '--authority', 'Narrow', '--out', 'n.pem', '--force')
    expect(await pki.opensslCode('verify', ...untrusted('Narrow'), 'n.pem')).toBe(accepted ? 0 : 2)
    const sign = ['ca', 'sign', 'n.csr', '--authority', 'Narrow', '--out', 'n.pem']
    if (accepted) await pki.done(...sign)
    else expect(await pki.refused(...sign)).toContain('not for mail.other.test')
  })

  it('for users and for virtual servers neither', async () => {
    const user = ['ca', 'user', 'Eve', '--email', 'eve@other.test', '--password', 'x', '--out', 'eve.p12']
    expect(await pki.refused(...user, '--authority', 'Narrow')).toContain('not for eve@other.test')
    await pki.done(...user, '--authority', 'Narrow', '--force')
    const issue = ['cert', 'issue', '--for', smtp, '--cn', 'localhost', '--authority', 'Below Narrow']
    const { status, stderr } = await pki.sealpost(...issue)
    expect(status).toBe(1)
    expect(stderr).toMatch(/"Below Narrow" issues now: "Narrow" may issue only for example\.test, not for localhost/)
    await pki.done(...issue, '--force')
  })
})

describe('an authority issues nothing that outlives it', () => {
  it('cuts the default validity and refuses more days', async () => {
    await pki.done('ca', 'create', 'root', 'Short', '--days', '3')
    await pki.done('ca', 'export', 'Short', '--out', 'short.pem')
    await pki.opensslRequest('s.test', { key: 's.key', out: 's.csr' })
    const end = async (file: string): Promise<string> => pki.openssl('x509', '-in', file, '-noout', '-enddate')
    for (const days of [[], ['--days', '3']]) {
      await pki.done('ca', 'sign', 's.csr', '--authority', 'Short', '--out', 's.pem', ...days)
      expect(await end('s.pem')).toBe(await end('short.pem'))
    }
    const long = ['--authority', 'Short', '--days', '400']
    expect(await pki.refused('ca', 'sign', 's.csr', '--out', 's.pem', ...long)).toMatch(
      /400 days are too long, because the authority, or one above it, expires on 20.*--force/,
    )
    expect(await pki.refused('ca', 'create', 'subordinate', 'Long', '--parent', 'Short', '--days', '400')).toContain(
      '400 days are too long',
    )
    await pki.done('ca', 'sign', 's.csr', '--out', 's.pem', ...long, '--force')
    expect(await end('s.pem')).not.toBe(await end('short.pem'))
  })

  it('nor than any authority above it', async () => {
    await pki.outsideAuthority('world')
    await pki.done('ca', 'create', 'subordinate', 'Guest', '--outside', '--out', 'g.csr')
    const signer = ['-CA', 'world.pem', '-CAkey', 'world.key', '-extfile', 'world.ext', '-days', '900']
    await pki.openssl('x509', '-req', '-in', 'g.csr', ...signer, '-out', 'g.pem')
    pki.write('answer.pem', pki.text('g.pem') + pki.text('world.pem'))
    await pki.done('ca', 'install', 'answer.pem')
    await pki.done('ca', 'sign', 's.csr', '--authority', 'Guest', '--out', 's.pem')
    const end = (file: string): Promise<string> => pki.openssl('x509', '-in', file, '-noout', '-enddate')
    expect(await end('s.pem')).toBe(await end('world.pem'))
  })
})

it('a revoked authority, and one below it, issue nothing', async () => {
  await pki.done('ca', 'create', 'subordinate', 'Fired')
  await pki.done('ca', 'create', 'subordinate', 'Below Fired', '--parent', 'Fired')
  const list = await pki.json<{ name: string; thumbprint: string }[]>('ca', 'list')
  await pki.done(
    'ca',
    'revoke',
    list.find(({ name }) => name === 'Fired')?.thumbprint ?? '',
    '--reason',
    'keyCompromise',
  )
  for (const name of ['Fired', 'Below Fired']) {
    const issue = ['ca', 'sign', 's.csr', '--authority', name, '--out', 's.pem']
    expect(await pki.refused(...issue)).toMatch(/"Fired" was revoked on 20\d\d-\d\d-\d\d \(keyCompromise\); --force/)
    expect(await pki.refused('ca', 'create', 'subordinate', 'Z', '--parent', name)).toContain('"Fired" was revoked')
    await pki.done(...issue, '--force')
  }
})

it('a running lab issues one automatic certificate from an authority that is about to expire', async () => {
  await pki.done('ca', 'create', 'root', 'Ending', '--days', '2', '--default')
  await using running = await pki.start(['--config', 'lab.yaml'])
  expect(running.endpoint('imap4').tlsPort).toBeGreaterThan(0)
  // Each change of the store makes the lab look for its certificates again.
  for (const server of [smtp, imap4]) {
    await pki.done('cert', 'request', '--for', server, '--cn', 'localhost', '--out', '-')
    await pki.sealpost('healthcheck')
  }
  expect(await pki.json<unknown[]>('ca', 'issued', 'Ending')).toHaveLength(1)
})

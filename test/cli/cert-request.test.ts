import { statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { CertificateLab, imap4, pop3, smtp } from './cert-support.ts'

const pki = new CertificateLab()

describe('sealpost cert request', { shuffle: false }, () => {
  it('shows a summary and writes a request that openssl verifies', async () => {
    const name = ['--o', 'Example Ltd', '--ou', 'Mail', '--c', 'JP', '--st', 'Tokyo', '--l', 'Chiyoda']
    const shown = await pki.request(smtp, ...name, '--bits', '2048', '--san', 'mail.example.test', '192.0.2.7')
    for (const part of [smtp, 'CN=localhost', 'OU=Mail', 'rsa-2048', 'dns:mail.example.test', 'certreq.txt']) {
      expect(shown).toContain(part)
    }
    const read = await pki.openssl('req', '-in', 'certreq.txt', '-verify', '-noout', '-text', '-nameopt', 'RFC2253')
    expect(read).toContain('verify OK')
    expect(read).toContain('CN=localhost,OU=Mail,O=Example Ltd,L=Chiyoda,ST=Tokyo,C=JP')
    expect(read).toContain('Public-Key: (2048 bit)')
    expect(read).toContain('DNS:localhost, DNS:mail.example.test, IP Address:192.0.2.7')
    expect(pki.text('certreq.txt')).toMatch(/^-----BEGIN CERTIFICATE REQUEST-----\n/)
  })

  it('stores the key, readable by its owner only', async () => {
    const [pending] = await pki.json<{ virtualServer: string; id: string }[]>('cert', 'pending')
    expect(pending).toMatchObject({ virtualServer: smtp, friendlyName: smtp })
    expect(JSON.stringify(pending)).not.toContain('PRIVATE')
    const record = JSON.parse(pki.state).requests[0]
    expect(statSync(pki.path(`certs/${record.key}`)).mode & 0o777).toBe(0o600)
    expect(pki.text(`certs/${record.key}`)).toContain('BEGIN PRIVATE KEY')
  })

  it('refuses a second request until the first is cancelled', async () => {
    expect(await pki.refused('cert', 'request', '--for', 'smtp')).toMatch(/has had a pending request.*cancel/)
    expect(await pki.done('cert', 'pending', smtp)).toBe(pki.text('certreq.txt'))
    const written = await pki.done('cert', 'pending', smtp, '--out', 'again.txt')
    expect([written, pki.text('again.txt')]).toEqual([
      'Wrote again.txt (certificate request)\n',
      pki.text('certreq.txt'),
    ])
    expect(await pki.done('cert', 'cancel', '--for', smtp)).toContain(smtp)
    expect(await pki.done('cert', 'pending')).toContain('No request is pending')
    await pki.request(smtp)
    await pki.done('cert', 'cancel', smtp)
  })

  it.each([
    { title: 'an organization that is too long', args: ['--o', 'x'.repeat(65)], says: /longer than 64/ },
    { title: 'an invalid host name', args: ['--san', 'a b'], says: /not a host name/ },
    {
      title: 'a file in a missing folder',
      args: ['--out', 'nowhere/req.txt'],
      says: /cannot be written: its folder does not exist; create the folder first/,
    },
  ])('refuses $title', async ({ args, says }) => {
    expect(await pki.refused('cert', 'request', '--for', smtp, '--cn', 'localhost', ...args)).toMatch(says)
  })

  it('lists the virtual servers if the name is unknown', async () => {
    expect(await pki.refused('cert', 'request', '--for', 'nobody')).toContain(`there are: "${smtp}", "${pop3}"`)
    const nntp = await pki.refused('cert', 'request', '--for', 'nntp')
    expect(nntp).toMatch(/is set in .*lab\.yaml:7:\d+: virtualServers\[3\]\.certificate: none; write auto or assigned/)
  })

  it.each([
    ['--bits', '100'],
    ['--bits', 'many'],
    ['--curve', 'P-1'],
    ['--bits', '2048', '--curve', 'P-256'],
  ])('rejects %s %s as wrong usage', async (...args) => {
    expect(await pki.sealpost('cert', 'request', '--for', smtp, ...args)).toMatchObject({ status: 2 })
  })

  it('warns about a short key and a common name of another host', async () => {
    const short = await pki.sealpost('cert', 'request', '--for', imap4, '--cn', '192.0.2.9', '--bits', '512')
    expect(short.status).toBe(0)
    expect(short.stderr).toMatch(/512 bits are too few/)
    expect(short.stderr).toMatch(/192\.0\.2\.9.*listens on 127\.0\.0\.1/)
    await pki.done('cert', 'cancel', imap4)
    const lost = await pki.sealpost('cert', 'request', '--for', imap4, '--cn', 'nowhere.invalid')
    expect(lost.stderr).toMatch(/nowhere\.invalid does not resolve/)
    await pki.done('cert', 'cancel', imap4)
  })

  it.each(['P-256', 'P-384', 'P-521', 'Ed25519'])('creates a key on %s', async (curve) => {
    await pki.request(imap4, '--curve', curve)
    const read = await pki.openssl('req', '-in', 'certreq.txt', '-verify', '-noout', '-text')
    expect(read.toLowerCase()).toContain(curve.toLowerCase())
    await pki.done('cert', 'cancel', imap4)
  })

  it('writes a request in the form of Windows Server 2003', async () => {
    const args = ['--microsoft', '--bits', '2048', '--o', '株式会社例', '--c', 'JP']
    await pki.request(pop3, ...args)
    const text = pki.text('certreq.txt')
    expect(text).toMatch(/^-----BEGIN NEW CERTIFICATE REQUEST-----\n/)
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBe(64)
    const read = await pki.openssl('req', '-in', 'certreq.txt', '-verify', '-noout', '-text', '-nameopt', 'utf8')
    expect(read).toContain('verify OK')
    expect(read).toContain('株式会社例')
    expect(read).toContain('sha1WithRSAEncryption')
    expect(read).toMatch(/X509v3 Key Usage: critical\s+Digital Signature, Non Repudiation, Key Encipherment, Data Enc/)
    const parsed = await pki.openssl('asn1parse', '-in', 'certreq.txt')
    const order = ['1.3.6.1.4.1.311.13.2.3', 'Microsoft Extension Request', '1.3.6.1.4.1.311.13.2.2'].map((id) =>
      parsed.indexOf(id),
    )
    expect(order).toEqual([...order].sort((a, b) => a - b))
    expect(order).not.toContain(-1)
    expect(parsed).toMatch(/IA5STRING\s+:5\.2\.3790\.2/)
    expect(parsed.match(/BMPSTRING/g)).toHaveLength(2)
    await pki.done('cert', 'cancel', pop3)
  })

  it('writes to standard output and prints JSON', async () => {
    const { stdout } = await pki.sealpost('cert', 'request', '--for', pop3, '--cn', 'localhost', '--out', '-')
    expect(stdout).toMatch(/^-----BEGIN CERTIFICATE REQUEST-----[\s\S]*-----END CERTIFICATE REQUEST-----\n$/)
    await pki.done('cert', 'cancel', pop3)
    const json = await pki.json('cert', 'request', '--for', pop3, '--cn', 'localhost', '--name', 'Other name')
    expect(json).toMatchObject({ virtualServer: pop3, friendlyName: 'Other name', file: 'certreq.txt' })
    await pki.done('cert', 'cancel', pop3)
  })
})

import { describe, expect, it } from 'vitest'
import { CertificateLab, smtp } from './cert-support.ts'

const pki = new CertificateLab()

await pki.done('ca', 'list')

const request = (...args: readonly string[]) => ['cert', 'request', '--for', smtp, '--out', 'x.csr', ...args]
const user = (...args: readonly string[]) => ['ca', 'user', ...args, '--password', 'x', '--out', 'x.p12']

it('warns of a certificate without a host name', async () => {
  const { stderr } = await pki.sealpost('cert', 'issue', '--for', smtp, '--cn', 'bad name')
  expect(stderr).toMatch(
    /^warning: the common name "bad name" is not a host name, so clients refuse the certificate; add a name such as mail\.lab\.test$/m,
  )
  const named = await pki.sealpost('cert', 'issue', '--for', smtp, '--cn', 'bad name', '--san', 'mail.lab.test')
  expect(named.stderr).not.toContain('is not a host name')
})

describe('sealpost refuses, with the reason and the cure,', () => {
  it.each<[readonly string[], RegExp]>([
    [request('--email', 'not an address'), /"not an address" is not a mail address; write it like alice@example\.test/],
    [
      request('--email', 'jürgen@example.test'),
      /letters before the @ that a certificate cannot contain; use an address in ASCII/,
    ],
    [request('--email', 'a@b@c.test'), /is not a mail address/],
    [request('--email', '@c.test'), /is not a mail address/],
    [request('--san', 'email:jürgen@example.test'), /use an address in ASCII/],
    [request('--san', 'uri:http://exämple.test/ä'), /is not a URI in ASCII/],
    [request('--cn', 'a..b'), /a\.\.b is not a host name/],
    [request('--san', '.a'), /\.a is not a host name/],
    [request('--san', 'dns:a..b'), /a\.\.b is not a host name/],
    [request('--cn', ''), /the common name is empty; give it a value/],
    [request('--cn', ' '), /the common name is empty/],
    [request('--cn', 'a.test\nb.test'), /the common name contains a control character \(U\+000A\); remove it/],
    [request('--o', 'Evil\x1b[31m'), /the organization contains a control character \(U\+001B\); remove it/],
    [request('--name', 'x\ty'), /the friendly name contains a control character \(U\+0009\)/],
    [user('Alice', '--email', 'jürgen@example.test'), /use an address in ASCII/],
    [user('Alice', '--email', 'nobody'), /is not a mail address/],
    [user('', '--email', 'a@b.test'), /the common name is empty/],
    [user('Alice', '--email', 'a@b.test', '--days', '0'), /cannot be valid for 0 days; give 1 to \d{7}/],
    [['ca', 'create', 'root', ''], /the name of the authority is empty; give it a value/],
    [['ca', 'create', 'root', 'x\ny'], /the name of the authority contains a control character/],
    [['ca', 'create', 'root', 'X', '--cn', ''], /the common name is empty/],
    [['ca', 'create', 'root', 'X', '--days', '0'], /cannot be valid for 0 days; give 1 to \d{7}/],
    [['ca', 'create', 'root', 'X', '--days', '99999999'], /cannot be valid for 99999999 days; give 1 to \d{7}/],
    [['ca', 'create', 'subordinate', '', '--outside'], /the name of the authority is empty/],
    [['ca', 'create', 'subordinate', 'X', '--days', '0'], /cannot be valid for 0 days/],
    [['ca', 'create', 'subordinate', 'X', '--days', '99999999', '--force'], /cannot be valid for 99999999 days/],
    [['ca', 'create', 'root', 'X', '--permit', 'not a domain'], /not a domain is not a name constraint; write it like/],
    [['ca', 'create', 'root', 'X', '--permit', 'jürgen@example.test'], /use an address in ASCII/],
  ])('%j', async (args, why) => {
    expect(await pki.refused(...args)).toMatch(why)
  })

  it.each([
    ['/CN=a\nb', 'subjectAltName=DNS:a.test', /CN in the subject contains a control character/],
    ['/CN=a/emailAddress=nobody', 'subjectAltName=DNS:a.test', /"nobody" is not a mail address/],
    ['/CN=a', 'subjectAltName=email:nobody', /"nobody" is not a mail address/],
    ['/CN=a', 'subjectAltName=DNS:a b', /a b is not a host name/],
  ])('requests with %j and %s', async (subject, names, why) => {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'b.key']
    await pki.openssl('req', '-new', ...key, '-subj', subject, '-addext', names, '-out', 'b.csr')
    expect(await pki.refused('ca', 'sign', 'b.csr', '--out', 'b.pem')).toMatch(why)
    for (const days of ['0', '99999999']) {
      expect(await pki.refused('ca', 'sign', 'b.csr', '--out', 'b.pem', '--days', days)).not.toBe('')
    }
  })
})

it('writes an international domain as A-labels and keeps names in other scripts', async () => {
  await pki.done(...request('--email', 'postmaster@bücher.test', '--o', '株式会社', '--san', 'bücher.test'))
  const text = await pki.openssl('req', '-in', 'x.csr', '-noout', '-text', '-nameopt', 'utf8,sep_comma_plus')
  expect(text).toMatch(/O=株式会社/)
  expect(text).toContain('postmaster@xn--bcher-kva.test')
  expect(text).toContain('DNS:xn--bcher-kva.test')
  await pki.done('cert', 'cancel', smtp)
})

it('issues for the longest validity that a certificate can contain', async () => {
  const most =
    /give 1 to (\d+)/.exec(await pki.refused('ca', 'create', 'root', 'Long', '--days', '99999999'))?.[1] ?? ''
  await pki.done('ca', 'create', 'root', 'Long', '--days', most)
  await pki.done('ca', 'export', 'Long', '--out', 'long.pem')
  expect(await pki.openssl('x509', '-in', 'long.pem', '-noout', '-enddate')).toMatch(/ 9999 GMT/)
})

import { createHash, type X509Certificate } from 'node:crypto'
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { connect } from 'node:tls'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { startLab } from '../../../src/testing/index.ts'
import { sameName } from '../../../src/transport/dns/names.ts'
import { readRecord, recordText } from '../../../src/transport/dns/zone-text/zone-text.ts'
import { ask } from './support.ts'

const resolver = new Resolver({ timeout: 2000, tries: 1 })

const lab = await startLab({
  hostname: 'mail.lab.test',
  alternativeNames: ['imap.lab.test', 'news.other.test', '192.0.2.1'],
  directory: { accounts: [{ user: 'alice', password: 'secret', addresses: ['alice@lab.test', 'a@second.test'] }] },
  outgoing: { mtaSts: { mode: 'enforce' } },
  mail: { authentication: { dkim: [{ domain: 'lab.test', algorithm: 'ed25519' }] } },
  certificates: { service: { port: 0 } },
  virtualServers: [
    { protocol: 'smtp', port: 0, tlsPort: 0 },
    { protocol: 'imap4', port: 0, tlsPort: 0 },
    { protocol: 'pop3', port: 'off', tlsPort: 0 },
    { protocol: 'nntp', port: 0, tlsPort: 'off' },
    { name: 'without JMAP', protocol: 'http', port: 0, tlsPort: 0, jmap: 'off' },
    { name: 'with JMAP', protocol: 'http', port: 0, tlsPort: 0 },
    { protocol: 'managesieve', port: 0 },
  ],
  dns: {
    port: 0,
    ttl: '30s',
    zones: {
      'example.test': { records: ['@ MX 5 mx', 'mx A 127.0.0.8', '@ TXT "v=spf1 -all"', '@ TXT "other"'] },
      'second.test': { generated: false },
      'news.other.test': { records: ['@ A 127.0.0.9'] },
    },
  },
})
resolver.setServers([lab.dns.server])
afterAll(() => lab.stop())

const texts = async (name: string): Promise<string[]> =>
  (await resolver.resolveTxt(name)).map((parts) => parts.join(''))
const tlsa = async (name: string): Promise<string[]> =>
  (await ask(lab.dns.endpoint, name, 'TLSA', { size: 1232 })).answers.flatMap((record) =>
    record.type === 'TLSA'
      ? [
          `${record.data.usage} ${record.data.selector} ${record.data.matchingType} ${record.data.certificate.toString('hex')}`,
        ]
      : [],
  )

/** Returns the certificate that a port serves. */
async function certificateAt(port: number): Promise<X509Certificate> {
  const socket = connect({ host: '127.0.0.1', port, ca: lab.ca, servername: 'mail.lab.test' })
  await once(socket, 'secureConnect')
  const found = socket.getPeerX509Certificate() as X509Certificate
  socket.destroy()
  return found
}

const digestOf = ({ publicKey }: X509Certificate): string =>
  createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')

const served = async (port: number): Promise<string> => `3 1 1 ${digestOf(await certificateAt(port))}`
const issuerDigest = async (port: number): Promise<string> =>
  digestOf((await certificateAt(port)).issuerCertificate as X509Certificate)

describe('records of the configuration', () => {
  test('hosts, mail exchanger and policies', async () => {
    expect(await resolver.resolveMx('lab.test')).toEqual([{ priority: 10, exchange: 'mail.lab.test' }])
    for (const name of ['mail.lab.test', 'imap.lab.test', 'mta-sts.lab.test']) {
      expect(await resolver.resolve4(name)).toEqual(['127.0.0.1'])
    }
    expect(await texts('lab.test')).toEqual(['v=spf1 mx -all'])
    expect(await texts('_dmarc.lab.test')).toEqual(['v=DMARC1; p=reject'])
    expect(await texts('_smtp._tls.lab.test')).toEqual(['v=TLSRPTv1; rua=mailto:postmaster@lab.test'])
    expect(await texts('_mta-sts.lab.test')).toEqual([expect.stringMatching(/^v=STSv1; id=\w+;$/)])
    expect(await texts('sealpost._domainkey.lab.test')).toEqual([expect.stringMatching(/k=ed25519; p=\S{44}$/)])
    expect(await resolver.resolveCaa('lab.test')).toEqual([{ critical: 0, issue: 'mail.lab.test' }])
  })

  test('services with their ports (RFC 5804, RFC 6186, RFC 8314, RFC 8620)', async () => {
    const port = async (service: string): Promise<number | undefined> =>
      (await resolver.resolveSrv(`${service}._tcp.lab.test`).catch(() => []))[0]?.port
    const server = (name: 'smtp' | 'imap4' | 'pop3' | 'nntp' | 'managesieve' | 'http') => lab.server(name)
    expect(await port('_submission')).toBe(server('smtp').port)
    expect(await port('_submissions')).toBe(server('smtp').tlsPort)
    expect(await port('_imap')).toBe(server('imap4').port)
    expect(await port('_imaps')).toBe(server('imap4').tlsPort)
    expect(await port('_pop3')).toBeUndefined()
    expect(await port('_pop3s')).toBe(server('pop3').tlsPort)
    expect(await port('_nntp')).toBe(server('nntp').port)
    expect(await port('_sieve')).toBe(server('managesieve').port)
    expect(await port('_autodiscover')).toBe(lab.server('without JMAP').tlsPort)
    const jmap = await resolver.resolveSrv('_jmap._tcp.lab.test')
    expect(jmap.map(({ port }) => port)).toEqual([lab.server('with JMAP').tlsPort])
  })

  test('written records replace generated ones of the same name and type', async () => {
    expect(await resolver.resolve4('news.other.test')).toEqual(['127.0.0.9'])
    expect(await texts('example.test')).toEqual(['v=spf1 -all', 'other'])
    await expect(resolver.resolveMx('second.test')).rejects.toMatchObject({ code: 'ENODATA' })
    expect((await resolver.resolveSoa('second.test')).nsname).toBe('ns.second.test')
  })

  test('uses the TTL of the configuration', async () => {
    expect((await ask(lab.dns.endpoint, 'lab.test', 'MX')).answers[0]).toMatchObject({ ttl: 30 })
  })
})

describe('TLSA', () => {
  test('every port with TLS has the key that it serves, and SMTP has port 25 too', async () => {
    for (const name of ['smtp', 'imap4', 'pop3', 'http'] as const) {
      const port = lab.server(name).tlsPort as number
      expect(await tlsa(`_${port}._tcp.mail.lab.test`)).toEqual([await served(port)])
    }
    expect(await tlsa(`_${lab.server('http').port}._tcp.mail.lab.test`)).toEqual([])
    expect(await tlsa('_25._tcp.mail.lab.test')).toEqual(await tlsa(`_${lab.server('smtp').port}._tcp.mail.lab.test`))
  })

  test('follows a new certificate immediately, and names an issuer that the server sends', async () => {
    const port = lab.server('smtp').tlsPort as number
    const name = `_${port}._tcp.mail.lab.test`
    const before = await tlsa(name)
    const { serial: first = 0 } = await resolver.resolveSoa('lab.test')
    onTestFinished(() => lab.useCertificate('auto', 'smtp'))
    await lab.useCertificate({ variant: 'one-intermediate' }, 'smtp')
    const after = await tlsa(name)
    expect(after[0]).not.toBe(before[0])
    expect(after).toEqual([await served(port), `2 1 1 ${await issuerDigest(port)}`])
    expect((await resolver.resolveSoa('lab.test')).serial).toBeGreaterThan(first)
  })
})

describe('records that are added', () => {
  test('are there until they are removed, or the lab is reset', async () => {
    const added = lab.dns.add('_acme-challenge.lab.test 0 TXT "one"')
    lab.dns.add('www.lab.test. A 127.0.0.77')
    expect(await texts('_acme-challenge.lab.test')).toEqual(['one'])
    expect(await resolver.resolve4('www.lab.test')).toEqual(['127.0.0.77'])
    added.remove()
    await expect(texts('_acme-challenge.lab.test')).rejects.toMatchObject({ code: 'ENOTFOUND' })
    await lab.reset()
    await expect(resolver.resolve4('www.lab.test')).rejects.toMatchObject({ code: 'ENOTFOUND' })
  })

  test.each([
    ['no type', 'www.lab.test', 'the type is missing'],
    ['another zone', 'www.elsewhere.invalid A 127.0.0.1', 'the lab has no zone www.elsewhere.invalid'],
    ['a wrong address', 'www.lab.test A 1.2.3', 'A: 1.2.3 is not an IPv4 address'],
    ['too many fields', 'www.lab.test A 127.0.0.1 127.0.0.2', 'more fields'],
    [
      'a long string',
      `www.lab.test HINFO ${'x'.repeat(256)} b`,
      'HINFO cpu: a string of 256 octets is longer than 255',
    ],
    ['a long tag', `lab.test CAA 0 ${'x'.repeat(256)} b`, 'CAA tag: a string of 256 octets is longer than 255'],
    ['data that do not fit a record', `www.lab.test TXT "${'x'.repeat(66_000)}"`, 'TXT: 66259 octets of data are more'],
    ['an unknown parameter', 'www.lab.test HTTPS 1 . speed=1', 'speed is not a parameter of a service'],
    ['a parameter twice', 'www.lab.test HTTPS 1 . port=1 port=2', 'port appears twice'],
    ['a wrong port', 'www.lab.test SVCB 1 . port=65536', 'port: 65536 is not a port'],
    ['a wrong hint', 'www.lab.test HTTPS 1 . ipv4hint=::1', 'ipv4hint: ::1 is no address'],
    ['a wrong key', 'www.lab.test HTTPS 1 . ech=%%', 'ech: is not Base64'],
    ['a parameter without its value', 'www.lab.test HTTPS 1 . alpn', 'alpn: the value is missing'],
    ['a value too much', 'www.lab.test HTTPS 1 . alpn=h2 no-default-alpn=1', 'no-default-alpn: has no value'],
    [
      'a missing parameter',
      'www.lab.test HTTPS 1 . mandatory=alpn',
      'mandatory: alpn is not a parameter of this record',
    ],
    ['broken octets', 'www.lab.test TYPE65 \\# 5 0001000001', 'HTTPS: these octets are not data of the type'],
    [
      'a port of one octet',
      'www.lab.test HTTPS \\# 8 0001 00 0003 0001 50',
      'HTTPS: these octets are not data of the type',
    ],
    [
      'names without their end',
      'www.lab.test HTTPS \\# 9 0001 00 0001 0002 ff41',
      'HTTPS: these octets are not data of the type',
    ],
    ['a port by its number', 'www.lab.test HTTPS 1 . key3=aaa', 'port: the value is malformed'],
    ['an unknown type', 'www.lab.test FOO bar', 'the type FOO is not supported'],
  ])('refuses %s', (_, record, message) => {
    expect(() => lab.dns.add(record)).toThrow(message)
  })
})

test.each([
  'a\\;b\\"c.lab.test. 60 IN A 127.0.0.5',
  '\\$x\\(y.lab.test. 60 IN CNAME z\\)\\032\\@.lab.test.',
  '_dns.lab.test. 60 IN SVCB 0 .',
  'web.lab.test. 60 IN HTTPS 1 web.lab.test. mandatory=alpn,port alpn="a\\\\,b,h2" no-default-alpn port=1 key9="\\001 x"',
])('the text of the record %s can be read again', (line) => {
  expect(recordText(readRecord(line, { zone: 'lab.test', ttlSeconds: 60 }))).toBe(line)
})

test('HTTPS records are read from text and from octets', () => {
  const read = (line: string) => recordText(readRecord(line, { zone: 'lab.test', ttlSeconds: 60 }))
  const text = 'web.lab.test. 60 IN HTTPS 1 . alpn="h3,h2" port=443 ipv4hint=127.0.0.1 ech=AAT+DQAA ipv6hint=::1'
  expect(read('web HTTPS 1 . ech=AAT+DQAA ipv6hint="::1" alpn=h3,h2 ipv4hint=127.0.0.1 port="443"')).toBe(text)
  const octets = '0001 00 0001 0006 026833026832 0003 0002 01bb 0004 0004 7f000001 0005 0006 0004fe0d0000'
  const last = '0006 0010 00000000000000000000000000000001'
  const hex = `${octets} ${last}`.replaceAll(' ', '')
  expect(read(`web TYPE65 \\# ${hex.length / 2} ${hex}`)).toBe(text)
})

test('only the case of ASCII letters does not count in names', () => {
  expect(sameName('A.ä.test', 'a.ä.TEST.')).toBe(true)
  expect(sameName('Ä.test', 'ä.test')).toBe(false)
  expect(sameName('\u212a.test', 'k.test')).toBe(false)
})

test('a reload changes zones and keeps what was added', async () => {
  await using other = await startLab({ virtualServers: [{ protocol: 'smtp', port: 0 }], dns: { port: 0 } })
  const { port } = other.dns.endpoint
  other.dns.add('added.lab.test A 127.0.0.1')
  const own = new Resolver()
  own.setServers([other.dns.server])
  await other.reload({
    virtualServers: [{ protocol: 'smtp', port: 0 }],
    dns: { port: 0, zones: { 'new.test': { records: ['www A 127.0.0.6'] } } },
  })
  expect(other.dns.endpoint.port).toBe(port)
  expect(await own.resolve4('www.new.test')).toEqual(['127.0.0.6'])
  expect(await own.resolve4('added.lab.test')).toEqual(['127.0.0.1'])
  await other.reload({ virtualServers: [{ protocol: 'smtp', port: 0 }] })
  expect(() => other.dns.endpoint).toThrow('the lab has no DNS server')
})

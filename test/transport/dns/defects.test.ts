import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { type DnsDefectInput, startLab } from '../../../src/testing/index.ts'
import { AD, ask, askByTcp, CD, exchange, query, RD } from './support.ts'

const lab = await startLab({
  hostname: 'mail.lab.test',
  virtualServers: [{ protocol: 'smtp', port: 0 }],
  dns: {
    port: 0,
    dnssec: true,
    zones: {
      'lame.test': { defects: ['lame'] },
      'plain.test': { dnssec: false, records: ['@ A 127.0.0.1'] },
      'quiet.test': { authenticated: false, records: ['@ A 127.0.0.1'] },
    },
  },
})
const at = lab.dns.endpoint

afterEach(() => lab.reset())
afterAll(() => lab.stop())

const data = async (name: string, type: string): Promise<unknown[]> =>
  (await ask(at, name, type, { size: 1232 })).answers.map((record) => ('data' in record ? record.data : undefined))
const spf = async (): Promise<string[]> =>
  (await data('lab.test', 'TXT'))
    .map((parts) => Buffer.concat(parts as Buffer[]).toString())
    .filter((text) => /^v=spf1/.test(text))

describe('defects of MX', () => {
  test.each<[DnsDefectInput, unknown]>([
    ['wrong-mx', [{ preference: 10, exchange: 'no-such-host.lab.test' }]],
    ['cname-mx', [{ preference: 10, exchange: 'mx-alias.lab.test' }]],
    ['null-mx', [{ preference: 0, exchange: '.' }]],
    ['missing-mx', []],
  ])('%s', async (defect, expected) => {
    lab.dns.addDefect(defect)
    expect(await data('lab.test', 'MX')).toEqual(expected)
  })

  test('the host of wrong-mx does not exist, and that of cname-mx is an alias', async () => {
    using wrong = lab.dns.addDefect('wrong-mx')
    expect(await ask(at, 'no-such-host.lab.test', 'A')).toMatchObject({ rcode: 'NXDOMAIN' })
    wrong.remove()
    lab.dns.addDefect('cname-mx')
    expect((await ask(at, 'mx-alias.lab.test', 'A')).answers).toMatchObject([{ type: 'CNAME' }, { data: '127.0.0.1' }])
  })
})

describe('defects of TLSA', () => {
  const tlsa = () => data('_25._tcp.mail.lab.test', 'TLSA') as Promise<{ usage: number; certificate: Buffer }[]>

  test('mismatching-tlsa, unusable-tlsa and missing-tlsa', async () => {
    const [right] = await tlsa()
    using mismatch = lab.dns.addDefect('mismatching-tlsa')
    const [wrong] = await tlsa()
    expect(wrong).toMatchObject({ usage: 3 })
    expect(wrong?.certificate).not.toEqual(right?.certificate)
    mismatch.remove()
    using unusable = lab.dns.addDefect('unusable-tlsa')
    expect(await tlsa()).toMatchObject([{ usage: 0, certificate: right?.certificate }])
    unusable.remove()
    lab.dns.addDefect('missing-tlsa')
    expect(await tlsa()).toEqual([])
  })

  test('expired-tlsa has the keys of the certificate before', async () => {
    const before = await tlsa()
    await lab.useCertificate({ variant: 'p384' })
    expect(await tlsa()).not.toEqual(before)
    lab.dns.addDefect('expired-tlsa')
    expect(await tlsa()).toEqual(before)
  })
})

describe('defects of SPF', () => {
  test.each<[DnsDefectInput, RegExp[]]>([
    ['missing-spf', []],
    ['double-spf', [/^v=spf1 mx -all$/, /^v=spf1 \?all$/]],
    ['invalid-spf', [/ip4:not-an-address/]],
    ['excessive-spf', [/^v=spf1( include:spf\d+\.lab\.test){11} -all$/]],
  ])('%s', async (defect, expected) => {
    lab.dns.addDefect(defect)
    const found = await spf()
    expect(found).toHaveLength(expected.length)
    for (const [index, pattern] of expected.entries()) expect(found[index]).toMatch(pattern)
  })

  test('the names that excessive-spf includes exist', async () => {
    lab.dns.addDefect('excessive-spf')
    expect(await data('spf11.lab.test', 'TXT')).toHaveLength(1)
  })
})

describe('defects of answers', () => {
  test.each<[DnsDefectInput, object]>([
    ['nxdomain', { rcode: 'NXDOMAIN', flag_aa: true, answers: [] }],
    ['nodata', { rcode: 'NOERROR', flag_aa: true, answers: [] }],
    ['servfail', { rcode: 'SERVFAIL', flag_aa: false, answers: [] }],
    ['refused', { rcode: 'REFUSED', flag_aa: false, answers: [] }],
    ['lame', { rcode: 'NOERROR', flag_aa: false, answers: [], authorities: [] }],
    ['truncated', { rcode: 'NOERROR', flag_tc: true, answers: [] }],
  ])('%s', async (defect, expected) => {
    lab.dns.addDefect(defect)
    expect(await ask(at, 'lab.test', 'MX')).toMatchObject(expected)
  })

  test('truncated answers are whole by TCP', async () => {
    lab.dns.addDefect('truncated')
    expect(await askByTcp(at, query('lab.test', 'MX'))).toMatchObject([{ flag_tc: false, answers: [{ type: 'MX' }] }])
  })

  test('are limited to a name, to the names below it, and to types', async () => {
    lab.dns.addDefect({ defect: 'servfail', name: 'mail.lab.test', types: ['A'] })
    lab.dns.addDefect({ defect: 'refused', name: '*._tcp.lab.test' })
    const rcode = async (name: string, type: string) => (await ask(at, name, type)).rcode
    expect(await rcode('mail.lab.test', 'A')).toBe('SERVFAIL')
    expect(await rcode('mail.lab.test', 'AAAA')).toBe('NOERROR')
    expect(await rcode('lab.test', 'A')).toBe('NOERROR')
    expect(await rcode('_imap._tcp.lab.test', 'SRV')).toBe('REFUSED')
    expect(await rcode('_tcp.lab.test', 'A')).toBe('NOERROR')
  })

  test('slow answers arrive after all others', async () => {
    lab.dns.addDefect({ defect: 'slow', name: 'lab.test', delay: '300ms' })
    const order: string[] = []
    await Promise.all(
      ['lab.test', 'mail.lab.test'].map(async (name) => {
        await ask(at, name, 'A')
        order.push(name)
      }),
    )
    expect(order).toEqual(['mail.lab.test', 'lab.test'])
  })

  test('silent: no answer, and a list of queries that shows it', async () => {
    lab.dns.addDefect({ defect: 'silent', types: ['MX'] })
    const [answer] = await askByTcp(at, query('lab.test', 'MX'), query('lab.test', 'SOA'))
    expect(answer).toMatchObject({ answers: [{ type: 'SOA' }] })
    expect(lab.dns.queries().map(({ type, rcode }) => `${type} ${rcode}`)).toEqual(['SOA NOERROR', 'MX none'])
  })

  test('of the configuration stay after a reset', async () => {
    expect(await ask(at, 'lame.test', 'SOA')).toMatchObject({ flag_aa: false, answers: [] })
  })

  test('refuses unknown defects and zones', () => {
    expect(() => lab.dns.addDefect('wrong-mxx' as never)).toThrow('wrong-mx')
    expect(() => lab.dns.addDefect('servfail', 'elsewhere.invalid')).toThrow('the lab has no zone elsewhere.invalid')
  })
})

describe('DNSSEC', () => {
  const signed = (name: string, type: string, flags = 0) => ask(at, name, type, { size: 1232, dnssecOk: true, flags })

  test('signatures only for clients that ask for them (RFC 4035 section 3.2.1)', async () => {
    expect((await ask(at, 'lab.test', 'MX', { size: 1232 })).answers.map(({ type }) => type)).toEqual(['MX'])
    expect((await signed('lab.test', 'MX')).answers.map(({ type }) => type)).toEqual(['MX', 'RRSIG'])
    expect((await signed('plain.test', 'A')).answers.map(({ type }) => type)).toEqual(['A'])
  })

  test('the AD bit only where it is asked for and the zone is authenticated (RFC 6840 section 5.7)', async () => {
    expect(await ask(at, 'lab.test', 'MX')).toMatchObject({ flag_ad: false })
    expect(await ask(at, 'lab.test', 'MX', { flags: AD })).toMatchObject({ flag_ad: true })
    expect(await signed('lab.test', 'MX')).toMatchObject({ flag_ad: true })
    expect(await signed('nothing.lab.test', 'MX')).toMatchObject({ flag_ad: true, rcode: 'NXDOMAIN' })
    expect(await signed('plain.test', 'A')).toMatchObject({ flag_ad: false })
    expect(await signed('quiet.test', 'A')).toMatchObject({ flag_ad: false })
  })

  test.each<DnsDefectInput>(['bogus-signature', 'expired-signature', 'missing-signature'])(
    '%s: SERVFAIL as from a resolver, and the records with CD',
    async (defect) => {
      lab.dns.addDefect(defect)
      expect(await signed('lab.test', 'MX', RD)).toMatchObject({ rcode: 'SERVFAIL', answers: [] })
      expect(await signed('lab.test', 'MX', RD | CD)).toMatchObject({ rcode: 'NOERROR', flag_ad: false })
      expect((await signed('lab.test', 'MX', RD | CD)).answers.length).toBe(defect === 'missing-signature' ? 1 : 2)
    },
  )

  test('the DS record belongs to the zone above, and no zone above is refused', async () => {
    expect(await exchange(at, query('lab.test', 'DS'))).toBeDefined()
    expect(lab.dns.trustAnchor()).toMatch(/^lab\.test\. 60 IN DS \d+ 13 2 [\dA-F]{64}$/)
    expect(() => lab.dns.trustAnchor('plain.test')).toThrow('the zone plain.test is not signed')
  })
})

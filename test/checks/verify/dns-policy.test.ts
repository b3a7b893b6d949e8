import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { DnsServer } from '../../../src/checks/verify/types.ts'
import { TestAuthority } from './authority.ts'
import { type Records, startDns, txt } from './dns-double.ts'
import { startDouble } from './double.ts'
import { inspect } from './inspect.ts'

const authority = await TestAuthority.create()
const good = await authority.issue()

describe('DANE', () => {
  const spkiHash = (): Buffer =>
    createHash('sha256')
      .update(good.certificate.publicKey.export({ type: 'spki', format: 'der' }))
      .digest()

  async function dane(tlsa: readonly Buffer[], faults: Parameters<typeof startDns>[1] = {}): Promise<string> {
    await using server = await startDouble('smtp', good)
    await using dns = await startDns({ [`_${server.port}._tcp.localhost`]: { TLSA: tlsa } }, faults)
    const seen = await inspect('smtp', server.port, { ca: [authority.rootPem], only: ['dane'], resolver: dns.resolver })
    return seen.words('dane')
  }

  it('passes if there are no records, or if one matches the certificate or its issuer', async () => {
    expect(await dane([])).toMatch(/^pass: no TLSA records at _\d+._tcp.localhost$/)
    const own = Buffer.concat([Buffer.from([3, 1, 1]), spkiHash()])
    expect(await dane([Buffer.from([3, 1, 1, 0]), own])).toMatch(/^pass: TLSA 3 1 1 \w{16}… at .* matches$/)
    const issuer = createHash('sha512').update(authority.intermediate.raw).digest()
    expect(await dane([Buffer.concat([Buffer.from([2, 0, 2]), issuer])])).toMatch(/^pass: TLSA 2 0 2 /)
  })
  it('fails if no record matches, or the DNS server fails', async () => {
    expect(await dane([Buffer.concat([Buffer.from([3, 1, 1]), Buffer.alloc(32)])])).toMatch(
      /^fail: no TLSA record at .* matches the certificate \(TLSA 3 1 1 0{16}…\)/,
    )
    // Usages of public authorities do not count for mail. RFC 7672 section 3.1.3
    expect(await dane([Buffer.concat([Buffer.from([1, 1, 1]), spkiHash()])])).toMatch(/^fail: no TLSA record/)
    expect(await dane([], { code: 2 })).toMatch(/^fail: the DNS server answers .* with SERVFAIL/)
  })
  it('warns if DNSSEC does not validate a matching record', async () => {
    const own = Buffer.concat([Buffer.from([3, 1, 1]), spkiHash()])
    expect(await dane([own], { authenticated: false })).toMatch(/^warn: .* DNSSEC does not validate the answer/)
  })
  it('is not tested without a DNS server', async () => {
    await using server = await startDouble('smtp', good)
    const seen = await inspect('smtp', server.port, { ca: [authority.rootPem], only: ['dane', 'mta-sts'] })
    expect([seen.words('dane'), seen.words('mta-sts')]).toEqual([
      'not-applicable: needs --resolver',
      'not-applicable: needs --resolver and --mail-domain',
    ])
  })
})

describe('MTA-STS', () => {
  const record: Records = { '_mta-sts.example.test': { TXT: [txt('v=STSv1; id=1')] } }

  /** Runs the check with a policy, or with an HTTPS server that has none. */
  async function mtaSts(records: Records, policy?: string, names = ['mta-sts.example.test']): Promise<string> {
    await using server = await startDouble('smtp', good)
    const https = createServer(await authority.issue({ names }), (asked, answer) => {
      answer.statusCode = policy === undefined || asked.url !== '/.well-known/mta-sts.txt' ? 404 : 200
      answer.setHeader('Content-Type', 'text/plain')
      answer.end(policy)
    })
    https.listen(0, '127.0.0.1')
    await once(https, 'listening')
    await using dns = await startDns({ ...records, 'mta-sts.example.test': { A: [Buffer.from([127, 0, 0, 1])] } })
    try {
      const policyPort = (https.address() as AddressInfo).port
      const resolver: DnsServer = dns.resolver
      const options = { resolver, policyPort, mailDomain: 'example.test', only: ['mta-sts'] }
      return (await inspect('smtp', server.port, { ca: [authority.rootPem], ...options })).words('mta-sts')
    } finally {
      https.close()
    }
  }
  const policy = (mode: string, mx: string): string =>
    `version: STSv1\r\nmode: ${mode}\r\nmx: ${mx}\r\nmax_age: 86400\r\n`

  it('passes without a policy, and if the policy lists the server', async () => {
    expect(await mtaSts({})).toBe('pass: example.test has no MTA-STS policy')
    expect(await mtaSts(record, policy('enforce', 'LOCALHOST'))).toBe(
      'pass: the policy of example.test (enforce) lists localhost',
    )
  })
  it('fails if an enforced policy does not list the server, warns if it is a test', async () => {
    expect(await mtaSts(record, policy('enforce', '*.localhost'))).toMatch(
      /^fail: .* does not list localhost, but \*.localhost/,
    )
    expect(await mtaSts(record, policy('testing', 'mx.example.test'))).toMatch(/^warn: .* does not list localhost/)
  })
  it('fails if the policy cannot be read', async () => {
    expect(await mtaSts(record)).toBe('fail: the MTA-STS policy of example.test cannot be used: HTTP status 404')
    expect(await mtaSts(record, 'mode: enforce')).toMatch(/cannot be used: the policy has no version STSv1/)
    expect(await mtaSts(record, policy('on', 'localhost'))).toMatch(/cannot be used: the policy has no mode/)
    expect(await mtaSts(record, policy('enforce', 'localhost'), ['other.test'])).toMatch(
      /cannot be used: .*Host: mta-sts.example.test. is not/,
    )
  })
})

import type { Answer, Question } from 'dns-packet'
import { AUTHENTIC_DATA, encode, RECURSION_AVAILABLE } from 'dns-packet'
import { describe, expect, it } from 'vitest'
import { connector as connectorSchema } from '../../../src/core/config/schema/connector.ts'
import { decodeMessage } from '../../../src/transport/dns/message.ts'
import { createResolver, type Resolver } from '../../../src/transport/dns/resolver.ts'
import type { FoundPolicy } from '../../../src/transport/mta-sts/policies.ts'
import { withRequiredTls } from '../../../src/transport/outgoing/client/tls-level.ts'
import { dnsRouter, type PolicyProblem } from '../../../src/transport/outgoing/route/dns.ts'
import { type NextHop, RouteError } from '../../../src/transport/outgoing/types.ts'

type Rcode = 'NXDOMAIN' | 'SERVFAIL'
/** Records by `name type`, or the response code of the query. */
type Zone = Readonly<Record<string, readonly unknown[] | Rcode>>

const RCODES = { NXDOMAIN: 3, SERVFAIL: 2 } as const

/** A resolver over messages in wire format. Every answer is authenticated, except those about `insecure` names. */
function resolverOf(zone: Zone, insecure: readonly string[] = []): Resolver {
  return createResolver(async (query) => {
    const { id, questions } = decodeMessage(query)
    const [{ name, type } = { name: '', type: 'A' as const }] = questions
    const alias = zone[`${name} CNAME`]
    const found = zone[`${name} ${type}`] ?? (Array.isArray(alias) ? [] : undefined)
    const isKnown = found !== undefined || Object.keys(zone).some((key) => key.startsWith(`${name} `))
    const code = typeof found === 'string' ? RCODES[found] : isKnown ? 0 : RCODES.NXDOMAIN
    const own = typeof found === 'string' || found === undefined ? [] : found
    const answers = own.map((data) => ({ name, type, ttl: 60, class: 'IN', data }) as Answer)
    if (Array.isArray(alias) && type !== 'CNAME') {
      const target = String(alias[0])
      answers.push({ name, type: 'CNAME', ttl: 60, class: 'IN', data: target })
      const beyond = zone[`${target} ${type}`]
      if (Array.isArray(beyond)) {
        for (const data of beyond) answers.push({ name: target, type, ttl: 60, class: 'IN', data } as Answer)
      }
    }
    const flags = code | RECURSION_AVAILABLE | (insecure.includes(name) ? 0 : AUTHENTIC_DATA)
    return encode({ type: 'response', id, flags, questions: [...questions] as Question[], answers })
  })
}

const mx = (...hosts: readonly (readonly [preference: number, exchange: string])[]) =>
  hosts.map(([preference, exchange]) => ({ preference, exchange }))
const tlsa = (usage = 3) => [{ usage, selector: 1, matchingType: 1, certificate: Buffer.alloc(32, 7) }]

const zone: Zone = {
  'example.test MX': mx([10, 'mx.example.test']),
  'mx.example.test A': ['192.0.2.1'],
}
const withDane: Zone = { ...zone, '_25._tcp.mx.example.test TLSA': tlsa() }
/** PKIX-EE(1), which clients of SMTP cannot use. */
const withUnusable: Zone = { ...zone, '_25._tcp.mx.example.test TLSA': tlsa(1) }

interface Setting {
  readonly connector?: object
  readonly insecure?: readonly string[]
  readonly policy?: FoundPolicy
  readonly own?: string
  readonly domain?: string
}

async function route(records: Zone, { connector = {}, insecure = [], policy = {}, own = '', domain }: Setting = {}) {
  const problems: PolicyProblem[] = []
  const resolver = resolverOf(records, insecure)
  const router = dnsRouter({
    resolverOf: () => resolver,
    policyOf: async () => policy,
    isOwn: (address) => address === own,
    onProblem: (problem) => void problems.push(problem),
  })
  const settings = connectorSchema.parse({ name: 'dns', route: 'dns', ...connector })
  const { smartHost: _, ...resolved } = settings
  const hops = router(resolved, domain ?? 'example.test', new AbortController().signal)
  return {
    hops: await hops.catch((error: unknown) => (error instanceof RouteError ? error : Promise.reject(error))),
    problems,
  }
}

/** Returns the hosts, or the enhanced code. */
async function hosts(records: Zone, setting?: Setting): Promise<readonly string[] | string> {
  const { hops } = await route(records, setting)
  return hops instanceof RouteError
    ? `${hops.isPermanent ? 'fails' : 'waits'} ${hops.enhancedCode}`
    : hops.map(({ host }) => host)
}

const enforce: FoundPolicy = { policy: { mode: 'enforce', mx: ['mx.example.test'], maxAgeSeconds: 60 } }

describe('hosts', () => {
  const two: Zone = {
    'example.test MX': mx([20, 'second.test'], [10, 'first.test']),
    'first.test A': ['192.0.2.1'],
    'second.test AAAA': ['2001:db8::2'],
  }

  it('come in the order of preference', async () => {
    expect(await hosts(two)).toEqual(['first.test', 'second.test'])
    const { hops } = await route(two, { connector: { port: 2525 } })
    expect(hops).toMatchObject([{ port: 2525, addresses: ['192.0.2.1'] }, { addresses: ['2001:db8::2'] }])
  })

  it('of equal preference come in a random order', async () => {
    const equal = { ...two, 'example.test MX': mx([10, 'first.test'], [10, 'second.test']) }
    const orders = new Set<string>()
    while (orders.size < 2) orders.add(String(await hosts(equal)))
    expect(orders).toEqual(new Set(['first.test,second.test', 'second.test,first.test']))
  })

  it.each<[string, Zone, string | readonly string[]]>([
    ['the domain itself if it has no MX', { 'example.test A': ['192.0.2.1'] }, ['example.test']],
    ['none for a null MX', { 'example.test MX': mx([0, '.']) }, 'fails 5.1.10'],
    ['none for a domain that does not exist', {}, 'fails 5.1.2'],
    ['none without an address', { 'example.test MX': mx([1, 'gone.test']) }, 'fails 5.4.4'],
    ['unknown if DNS fails', { 'example.test MX': 'SERVFAIL' }, 'waits 4.4.3'],
    ['unknown if DNS fails for the address', { ...zone, 'mx.example.test A': 'SERVFAIL' }, 'waits 4.4.3'],
    ['the others if one fails', { ...two, 'first.test A': 'SERVFAIL' }, ['second.test']],
    [
      'hosts behind a CNAME record',
      { ...zone, 'example.test MX': mx([1, 'alias.test']), 'alias.test CNAME': ['mx.example.test'] },
      ['alias.test'],
    ],
  ])('are %s', async (_, records, expected) => {
    expect(await hosts(records)).toEqual(expected)
  })

  it('end before the lab itself', async () => {
    const three = {
      ...two,
      'example.test MX': mx([10, 'first.test'], [20, 'second.test'], [20, 'mx.example.test']),
      'mx.example.test A': ['192.0.2.9'],
    }
    // Hosts of equal preference come in a random order, with the lab before or after the other.
    for (let i = 0; i < 20; i++) expect(await hosts(three, { own: '192.0.2.9' })).toEqual(['first.test'])
    expect(await hosts(two, { own: '192.0.2.1' })).toBe('fails 5.4.6')
  })

  it('are addresses that the domain names', async () => {
    const { hops } = await route({}, { domain: '[192.0.2.7]' })
    expect(hops).toMatchObject([{ host: '192.0.2.7', addresses: ['192.0.2.7'], tls: 'may' }])
  })
})

describe('DANE', () => {
  it('applies where DNSSEC authenticates MX, address and TLSA records', async () => {
    const { hops } = await route(withDane)
    expect(hops).toMatchObject([
      {
        tls: 'dane',
        policy: 'dane',
        names: ['mx.example.test', 'example.test'],
        tlsa: [{ usage: 3, data: Buffer.alloc(32, 7) }],
      },
    ])
  })

  it.each(['example.test', 'mx.example.test', '_25._tcp.mx.example.test'])(
    'does not apply if %s is insecure',
    async (name) => {
      expect((await route(withDane, { insecure: [name] })).hops).toMatchObject([{ tls: 'may', policy: 'none' }])
    },
  )

  it('looks below the port of the host', async () => {
    expect((await route(withDane, { connector: { port: 2525 } })).hops).toMatchObject([{ tls: 'may' }])
  })

  it('does not use a host whose TLSA records cannot be looked up', async () => {
    const failing: Zone = { ...zone, '_25._tcp.mx.example.test TLSA': 'SERVFAIL' }
    const { hops, problems } = await route(failing)
    expect(hops).toMatchObject({ isPermanent: false, enhancedCode: '4.4.3' })
    expect(problems).toMatchObject([{ domain: 'example.test', failure: 'dnssec-invalid', host: 'mx.example.test' }])
    const second = {
      ...failing,
      'example.test MX': mx([10, 'mx.example.test'], [20, 'b.test']),
      'b.test A': ['192.0.2.2'],
    }
    expect(await hosts(second)).toEqual(['b.test'])
  })

  it('looks below the name that an alias leads to, then below the alias', async () => {
    const alias: Zone = {
      ...withDane,
      'example.test MX': mx([1, 'alias.test']),
      'alias.test CNAME': ['mx.example.test'],
    }
    expect((await route(alias)).hops).toMatchObject([
      {
        host: 'alias.test',
        serverName: 'mx.example.test',
        tls: 'dane',
        names: ['mx.example.test', 'alias.test', 'example.test'],
      },
    ])
    const own = {
      ...zone,
      'example.test MX': alias['example.test MX'] ?? [],
      'alias.test CNAME': ['mx.example.test'],
      '_25._tcp.alias.test TLSA': tlsa(),
    }
    expect((await route(own)).hops).toMatchObject([{ tls: 'dane', names: ['alias.test', 'example.test'] }])
  })

  it('is required by tls: dane', async () => {
    const { hops, problems } = await route(zone, { connector: { tls: 'dane' } })
    expect(hops).toMatchObject({ isPermanent: false, enhancedCode: '4.7.5' })
    expect(problems).toMatchObject([{ failure: 'dane-required' }])
  })

  // RFC 7672 section 2.2
  it.each([
    [undefined, {}, { tls: 'encrypt', policy: 'dane', tlsa: [{ usage: 1 }] }],
    ['encrypt', {}, { tls: 'encrypt', policy: 'dane' }],
    ['verify', {}, { tls: 'verify', names: ['mx.example.test'], policy: 'configured' }],
    ['secure', enforce, { tls: 'secure', names: ['example.test', 'mx.example.test'], policy: 'mta-sts' }],
    [undefined, enforce, { tls: 'verify', names: ['mx.example.test'], policy: 'mta-sts' }],
  ] as const)(
    'with unusable records, tls: %s and the policy %j: requires TLS, and lowers no level',
    async (...given) => {
      const [tls, policy, expected] = given
      const { hops } = await route(withUnusable, { connector: tls ? { tls } : {}, policy })
      expect(hops).toMatchObject([expected])
      expect(withRequiredTls((hops as readonly NextHop[])[0] as NextHop).tls).toMatch(/^(?:verify|secure)$/)
    },
  )

  it('with tls: dane, unusable records let the mail wait', async () => {
    const { hops, problems } = await route(withUnusable, { connector: { tls: 'dane' } })
    expect(hops).toMatchObject({ isPermanent: false, enhancedCode: '4.7.5' })
    expect(problems).toMatchObject([{ failure: 'tlsa-invalid', policy: 'dane', host: 'mx.example.test' }])
  })

  it('takes precedence over MTA-STS', async () => {
    const { hops } = await route(withDane, {
      policy: { policy: { mode: 'enforce', mx: ['other.test'], maxAgeSeconds: 60 } },
    })
    expect(hops).toMatchObject([{ tls: 'dane', policy: 'dane' }])
  })
})

describe('MTA-STS', () => {
  it('enforced: wants a certificate for the host', async () => {
    expect((await route(zone, { policy: enforce })).hops).toMatchObject([
      { tls: 'verify', names: ['mx.example.test'], policy: 'mta-sts' },
    ])
  })

  it('enforced: does not use hosts that the policy does not name, and waits for another policy', async () => {
    const two: Zone = {
      ...zone,
      'example.test MX': mx([1, 'evil.test'], [2, 'mx.example.test']),
      'evil.test A': ['192.0.2.6'],
    }
    expect(await hosts(two, { policy: enforce })).toEqual(['mx.example.test'])
    const { hops, problems } = await route({ ...two, 'example.test MX': mx([1, 'evil.test']) }, { policy: enforce })
    expect(hops).toMatchObject({
      isPermanent: false,
      enhancedCode: '4.7.5',
      message: expect.stringContaining('does not name evil.test'),
    })
    expect(problems).toMatchObject([{ failure: 'validation-failure', policy: 'mta-sts', host: 'evil.test' }])
  })

  it('testing and none: change no level', async () => {
    for (const mode of ['testing', 'none'] as const) {
      const policy = { policy: { mode, mx: ['other.test'], maxAgeSeconds: 60 } }
      const { hops, problems } = await route(zone, { policy })
      expect(hops).toMatchObject([{ tls: 'may', policy: mode === 'testing' ? 'mta-sts' : 'none' }])
      expect(problems).toHaveLength(mode === 'testing' ? 1 : 0)
    }
  })

  it('never lowers the level of the connector', async () => {
    const connector = { tls: 'secure' }
    expect((await route(zone, { connector, policy: enforce })).hops).toMatchObject([
      { tls: 'secure', names: ['example.test', 'mx.example.test'], policy: 'mta-sts' },
    ])
    expect((await route(withDane, { connector: { tls: 'none' }, policy: enforce })).hops).toMatchObject([
      { tls: 'none' },
    ])
  })
})

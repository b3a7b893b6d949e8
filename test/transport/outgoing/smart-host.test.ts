import { expect, it } from 'vitest'
import { connector as connectorSchema } from '../../../src/core/config/schema/connector.ts'
import { DnsError } from '../../../src/transport/dns/errors.ts'
import type { Resolver } from '../../../src/transport/dns/resolver.ts'
import { smartHostRouter } from '../../../src/transport/outgoing/route/router.ts'
import type { ResolvedConnector, TlsaRecord } from '../../../src/transport/outgoing/types.ts'

const { signal } = new AbortController()
const record: TlsaRecord = { usage: 3, selector: 1, matchingType: 1, data: Buffer.alloc(32) }

const connectorWith = (smartHost: object): ResolvedConnector =>
  connectorSchema.parse({
    name: 'Out',
    smartHost: { host: 'mail.example.test', port: 2525, ...smartHost },
  }) as ResolvedConnector

/** A DNS with one host, whose TLSA records are looked up by `tlsa`. */
const dns = (authenticated: boolean, tlsa: () => readonly TlsaRecord[]): Resolver => {
  const found = <T>(records: readonly T[]) => ({
    records,
    authenticated,
    ttlSeconds: 60,
    canonicalName: 'mail.example.test',
  })
  return {
    addresses: async () => found(['192.0.2.1']),
    tlsa: async (name: string) => {
      expect(name).toBe('_2525._tcp.mail.example.test')
      return found(tlsa())
    },
    lookup: async () => found([]),
  } as Partial<Resolver> as Resolver
}

it('is the only hop, with the log-on and TLS level of the configuration', async () => {
  const route = smartHostRouter()
  expect(
    await route(
      connectorWith({ tls: 'required', user: 'relay', password: 'x', authority: 'Outside' }),
      'any.test',
      signal,
    ),
  ).toEqual([
    {
      host: 'mail.example.test',
      port: 2525,
      tls: 'verify',
      names: ['mail.example.test'],
      policy: 'configured',
      implicitTls: false,
      authority: 'Outside',
      user: 'relay',
      password: 'x',
    },
  ])
  expect(await route(connectorWith({ tls: 'secure', names: ['mx.test'] }), 'any.test', signal)).toMatchObject([
    { tls: 'secure', names: ['mx.test'] },
  ])
})

it('dane: looks up the TLSA records of the host', async () => {
  const route = smartHostRouter(() => dns(true, () => [record]))
  expect(await route(connectorWith({ tls: 'dane' }), 'any.test', signal)).toMatchObject([
    { tls: 'dane', policy: 'dane', tlsa: [record] },
  ])
})

it.each([
  [
    'there are none',
    () =>
      dns(true, () => {
        throw new DnsError('NXDOMAIN', 'no such name')
      }),
    {},
    /has no TLSA records that DNSSEC authenticates/,
  ],
  [
    'DNSSEC does not authenticate them',
    () => dns(false, () => [record]),
    {},
    /has no TLSA records that DNSSEC authenticates/,
  ],
  [
    'they cannot be looked up',
    () =>
      dns(true, () => {
        throw new DnsError('SERVFAIL', 'the server failed')
      }),
    {},
    /cannot be looked up: the server failed/,
  ],
  [
    'none is usable',
    () => dns(true, () => [{ ...record, usage: 1 }]),
    {},
    /none of the TLSA records of mail\.example\.test is usable/,
  ],
  ['the host has no name', () => dns(true, () => [record]), { host: '192.0.2.1' }, /has no name/],
] as const)('dane: lets the mail wait if %s', async (_, resolverOf, more, why) => {
  const attempt = smartHostRouter(resolverOf)(connectorWith({ tls: 'dane', ...more }), 'any.test', signal)
  await expect(attempt).rejects.toMatchObject({
    isPermanent: false,
    enhancedCode: '4.7.5',
    message: expect.stringMatching(why),
  })
})

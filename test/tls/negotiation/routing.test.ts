import { describe, expect, it } from 'vitest'
import { mlDsaProblem } from '../../../src/core/config/ml-dsa-support.ts'
import { NodeTls } from '../../../src/net/node-tls.ts'
import { readClientHello } from '../../../src/tls/negotiation/client-hello-reader.ts'
import type { NodeCapabilities } from '../../../src/tls/negotiation/node-capabilities.ts'
import type { TlsPolicy } from '../../../src/tls/negotiation/policy.ts'
import { type RefusalCause, route } from '../../../src/tls/negotiation/routing.ts'
import { suiteName } from '../../../src/tls/negotiation/suites.ts'
import type { InstalledCertificate } from '../../../src/tls/pki/types.ts'
import { askServer } from '../../support/ask-server.ts'
import {
  extensions,
  helloBody,
  helloRecords,
  keyShares,
  serverName,
  signatureAlgorithms,
  supportedGroups,
  supportedVersions,
} from '../../support/client-hello.ts'
import { echoTlsSettings } from '../../support/echo-server.ts'
import { isLong } from '../../support/long.ts'
import { opensslCertificate } from '../../support/openssl.ts'
import { isThorough } from '../../support/thorough.ts'

const rsa = opensslCertificate(['localhost'], 'rsa')
const p256 = opensslCertificate(['localhost'])
const keys: Readonly<Record<string, readonly InstalledCertificate[]>> = {
  RSA: [rsa],
  EC: [p256],
  'RSA and EC': [rsa, p256],
  'EC and RSA': [p256, rsa],
  'P-384': [opensslCertificate(['localhost'], 'p384')],
  Ed25519: [opensslCertificate(['localhost'], 'ed25519')],
  'RSA-PSS': [opensslCertificate(['localhost'], 'rsa-pss')],
  ...(mlDsaProblem() === undefined ? { 'ML-DSA': [opensslCertificate(['localhost'], 'ml-dsa-65')] } : {}),
}

/** All suites that OpenSSL has, also without encryption or authentication. */
const ALL = 'ALL:COMPLEMENTOFALL:@SECLEVEL=0'
const policies: Readonly<Record<string, Partial<TlsPolicy>>> = {
  'the default policy': {},
  'TLS 1.0 to 1.3 with all suites': { minVersion: 'TLSv1', ciphers: ALL },
  'TLS 1.0 and 1.1': { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: ALL },
  'TLS 1.2 with two DHE suites': {
    maxVersion: 'TLSv1.2',
    ciphers: 'DHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES128-SHA',
  },
  'TLS 1.3': { minVersion: 'TLSv1.3' },
  '128 bits': { ciphers: 'NULL-SHA256:ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0', require128BitEncryption: true },
}

const modernSignatures = signatureAlgorithms(0x0403, 0x0804, 0x0401)
const modernGroups = supportedGroups(0x001d, 0x0017)
const x25519 = supportedGroups(0x001d)
/** Extensions of clients: modern ones, and ones that lack something. */
const clients: Readonly<Record<string, readonly Buffer[]>> = {
  'a modern client': [modernSignatures, modernGroups],
  'a client without extensions': [],
  'a client with SHA-1 signatures only': [signatureAlgorithms(0x0201, 0x0203), modernGroups],
  'a client with ECDSA only': [signatureAlgorithms(0x0403), modernGroups],
  'a client with RSA only': [signatureAlgorithms(0x0804, 0x0401), modernGroups],
  'a client without signature_algorithms': [modernGroups],
  'a client without supported_groups': [modernSignatures],
  'a client with P-384 and all signatures': [
    signatureAlgorithms(0x0403, 0x0503, 0x0603, 0x0807, 0x0809, 0x0804, 0x0401, 0x0905),
    supportedGroups(0x001d, 0x0017, 0x0018),
  ],
  'a client with X25519 only': [modernSignatures, x25519],
  'a client with unknown groups only': [modernSignatures, supportedGroups(0x0013)],
  'a client with ffdhe2048 only': [modernSignatures, supportedGroups(0x0100)],
}

/** Extensions of TLS 1.3 clients. */
const clients13: Readonly<Record<string, readonly Buffer[]>> = {
  ...Object.fromEntries(
    Object.entries(clients).map(([name, list]) => [`${name} with a share`, [...list, keyShares(0x001d)]]),
  ),
  ...clients,
  'a client with P-384, Ed25519 and PSS signatures': [
    signatureAlgorithms(0x0503, 0x0807, 0x0809, 0x0905),
    supportedGroups(0x001d, 0x0018),
    keyShares(0x001d),
  ],
  'a client with P-521 signatures': [signatureAlgorithms(0x0603), modernGroups, keyShares(0x001d)],
  'a client that needs a HelloRetryRequest': [modernSignatures, modernGroups, keyShares()],
}

/** SSL 3.0 has only handshake_failure. RFC 6101 section 5.4.2. */
const SSL3 = 0x0300
/** SSL 3.0 to TLS 1.2. */
const versions = [SSL3, 0x0301, 0x0302, 0x0303]
const FALLBACK_SCSV = 0x5600

/** The code points of all suites that have a name, without signalling values. */
const suiteIds = Array.from({ length: 0x10000 }, (_, id) => id).filter((id) => !/^0x|_SCSV$/.test(suiteName(id)))

/** The alerts that node:tls sends. RFC 8446 section 6.2. */
const refusalAlerts: Readonly<Record<RefusalCause, number>> = {
  'only SSL 2.0': 70,
  'no version': 70,
  'no old suite': 70,
  fallback: 86,
  'no suite': 40,
  'no suite for the key': 40,
  'no group': 40,
  'no signature algorithm': 40,
  'compression in TLS 1.3': 47,
  'unlisted key share': 47,
  'missing signature algorithms': 109,
  'missing groups': 109,
  'missing key share': 109,
}

/** Returns lists of suites: all, all with the fallback signal, unknown ones, and one of each kind. */
const suiteLists = (): (readonly number[])[] => [
  suiteIds,
  [...suiteIds, FALLBACK_SCSV],
  [0xfeed, 0x0a0a],
  ...[0x002f, 0x0033, 0xc013, 0xc009, 0x009c, 0x009e, 0xc02f, 0xc02b, 0xcca8, 0xcca9, 0x0034, 0xc018].map((id) => [id]),
]

interface Offer {
  readonly name: string
  readonly octets: Buffer
}

function offer(client: string, list: readonly Buffer[], version: number, suites: readonly number[]): Offer {
  const words = suites.length === 1 ? suiteName(suites[0] as number) : `${suites.length} suites`
  const tail = list.length === 0 ? Buffer.alloc(0) : extensions(serverName('localhost'), ...list)
  return {
    name: `${client}, version 0x${version.toString(16)}, ${words}`,
    octets: helloRecords(helloBody({ version, suites, tail })),
  }
}

function* offers(): Generator<Offer> {
  // Every suite alone in every version. The long form does this with every client.
  for (const [client, list] of isLong ? Object.entries(clients) : Object.entries(clients).slice(0, 1)) {
    for (const version of isLong ? versions : [0x0301, 0x0303])
      for (const id of suiteIds) yield offer(client, list, version, [id])
  }
  for (const [client, list] of Object.entries(clients)) {
    for (const version of versions) for (const suites of suiteLists()) yield offer(client, list, version, suites)
  }
  for (const [client, list] of Object.entries(clients13)) {
    for (const listed of [[0x0304], [0x0304, 0x0303], [0x0303], [0x0302, 0x0301], [0x0300], [0x7a7a]]) {
      for (const suites of [[0x1301], suiteIds, [...suiteIds, FALLBACK_SCSV], [0x002f], [0xc02b, 0x1303]]) {
        const name = `${client}, supported_versions ${listed.map((one) => one.toString(16))}`
        yield offer(name, [supportedVersions(...listed), ...list], 0x0303, suites)
      }
    }
  }
}

/** Returns what the table says about an offer, and what Node.js does. */
async function compare(
  node: NodeTls,
  capabilities: NodeCapabilities,
  { name, octets }: Offer,
): Promise<{ name: string; table: string; node: string }> {
  const read = readClientHello(octets)
  if (read.kind !== 'hello') throw new Error(`${name} is not a ClientHello`)
  const { refusal } = route(read, capabilities, undefined)
  const answer = await askServer((raw) => void node.handshake(raw, read.facts, undefined).catch(() => {}), octets)
  return {
    name,
    table:
      refusal === undefined ? 'served' : `alert ${refusalAlerts[read.hello.version === SSL3 ? 'no suite' : refusal]}`,
    node: answer.kind === 'hello' ? 'served' : answer.kind === 'alert' ? `alert ${answer.alert}` : 'closed',
  }
}

const both = 'RSA and EC'
/** `npm test` compares a quarter of the offers with each policy and key, another one with the next. */
const SHARES = isThorough ? 1 : 4

/** Policies and keys. `npm test` combines every policy with both keys, and every key with two policies. */
const combinations = Object.keys(policies)
  .flatMap((policy, index) =>
    Object.keys(keys)
      .filter((key) => isThorough || index < 2 || key === both)
      .map((key) => [policy, key] as const),
  )
  .map(([policy, key], index) => [policy, key, index % SHARES] as const)
/** Where no client is served. */
const nobody = ['EC', 'P-384', 'Ed25519', 'ML-DSA'].map((key) => `TLS 1.2 with two DHE suites, ${key}`)

describe('the table says what Node.js does with every suite, version and client', () => {
  it.each(combinations)('under %s, with %s', { timeout: 300_000 }, async (policy, key, share) => {
    const settings = echoTlsSettings(keys[key] as InstalledCertificate[], policies[policy])
    const node = new NodeTls(settings)
    const capabilities = await node.capabilities('localhost')
    const different: unknown[] = []
    const outcomes = new Set<string>()
    for (const [at, each] of [...offers()].entries()) {
      if (at % SHARES !== share) continue
      const result = await compare(node, capabilities, each)
      if (result.table !== result.node) different.push(result)
      outcomes.add(result.node)
    }
    expect(different.slice(0, 20)).toEqual([])
    expect(outcomes).toContain('alert 40')
    expect(outcomes.has('served')).toBe(!nobody.includes(`${policy}, ${key}`))
  })
})

import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/core/values/random.ts'
import { NodeTls } from '../../src/net/node-tls.ts'
import {
  LegacySessionCache,
  type LegacyTlsOptions,
  legacyIdentity,
  TemporaryKeys,
} from '../../src/tls/legacy/options.ts'
import { acceptLegacy } from '../../src/tls/legacy/socket.ts'
import { legacySuites } from '../../src/tls/legacy/suites.ts'
import type { ClientHello } from '../../src/tls/negotiation/client-hello.ts'
import { readClientHello } from '../../src/tls/negotiation/client-hello-reader.ts'
import { vector } from '../../src/tls/negotiation/octets.ts'
import { route } from '../../src/tls/negotiation/routing.ts'
import { askServer } from '../support/ask-server.ts'
import {
  alpn,
  extension,
  extensions,
  helloBody,
  helloRecords,
  keyShares,
  numbers,
  serverName,
  signatureAlgorithms,
  supportedGroups,
  supportedVersions,
} from '../support/client-hello.ts'
import { echoTlsSettings } from '../support/echo-server.ts'
import { opensslCertificate } from '../support/openssl.ts'
import { isThorough } from '../support/thorough.ts'
import { roundsOf, seedOf } from './rounds.ts'

/** Mutated messages per server. `npm run test:fuzz` sends more. */
const rounds = 10 * Number(process.env.SEALPOST_FUZZ_ROUNDS ?? (isThorough ? 40 : 10))
const seed = seedOf(846)

const rsa = opensslCertificate(['localhost'], 'rsa')
const AES_128_SHA = 0x002f

/** A ClientHello as its parts, so that a mutation can change one and keep the lengths around it right. */
interface Parts {
  version: number
  sessionId: Buffer
  suites: number[]
  compressions: number[]
  extensions: Buffer[]
  /** Octets after the extensions. */
  rest: Buffer
}

type Random = (below: number) => number

const common = (): Parts => ({
  version: 0x0303,
  sessionId: Buffer.alloc(32, 1),
  suites: [AES_128_SHA, 0xc02f, 0x00ff],
  compressions: [0],
  extensions: [
    serverName('localhost'),
    supportedGroups(0x001d, 0x0017),
    extension(11, vector(1, Buffer.of(0))),
    signatureAlgorithms(0x0804, 0x0401, 0x0201),
    alpn('echo', 'other'),
    extension(23, Buffer.alloc(0)),
    extension(0xff01, Buffer.of(0)),
    extension(0x1a1a, Buffer.of(0)),
  ],
  rest: Buffer.alloc(0),
})

const modern = (): Parts => ({
  ...common(),
  suites: [0x1301, 0xc02f],
  extensions: [...common().extensions, supportedVersions(0x0304, 0x0303), keyShares(0x001d)],
})

const any = <T>(list: readonly T[], random: Random): T => list[random(list.length)] as T
const octets = (count: number, random: Random): Buffer => Buffer.from(Array.from({ length: count }, () => random(256)))

/** Numbers that are at a limit of some field. */
const LIMITS = [0, 1, 2, 0x7f, 0x80, 0xff]

/** Changes of a part. */
const partMutations: readonly ((parts: Parts, random: Random) => void)[] = [
  (parts, random) =>
    void (parts.version = any([0x0002, 0x02ff, 0x0300, 0x0301, 0x0302, 0x0304, 0x0305, 0xffff], random)),
  (parts, random) => void (parts.sessionId = octets(any([0, 1, 31, 32, 33, 255], random), random)),
  (parts, random) => void parts.suites.splice(random(parts.suites.length + 1), random(3), random(0x10000)),
  (parts) => void (parts.suites = []),
  (parts, random) => void (parts.compressions = [...octets(random(4), random)]),
  (parts, random) => void (parts.rest = octets(1 + random(3), random)),
  (parts, random) => void parts.extensions.splice(random(parts.extensions.length), 1),
  (parts, random) => void parts.extensions.push(any(parts.extensions, random) ?? Buffer.alloc(0)),
  (parts, random) => void parts.extensions.splice(random(8), 0, parts.extensions.pop() ?? Buffer.alloc(0)),
  (parts, random) => void parts.extensions.push(extension(random(64), octets(random(6), random))),
  (parts) => void (parts.extensions = []),
  // The content of an extension, with its own length right.
  ...Array.from({ length: 6 }, () => (parts: Parts, random: Random) => {
    if (parts.extensions.length === 0) return
    const at = random(parts.extensions.length)
    const old = parts.extensions[at] as Buffer
    if (old.length < 4) return
    parts.extensions[at] = extension(old.readUInt16BE(0), mutated(old.subarray(4), random))
  }),
]

/** Changes a few octets: another value, one bit, a limit, more, fewer. */
function mutated(content: Buffer, random: Random): Buffer {
  const at = random(content.length + 1)
  const kinds: readonly (() => Buffer[])[] = [
    () => [content.subarray(0, at), octets(1, random), content.subarray(at + 1)],
    () => [content.subarray(0, at), Buffer.of(any(LIMITS, random)), content.subarray(at + 1)],
    () => [content.subarray(0, at), Buffer.of((content[at] ?? 0) ^ (1 << random(8))), content.subarray(at + 1)],
    () => [content.subarray(0, at), octets(1 + random(4), random), content.subarray(at)],
    () => [content.subarray(0, at), content.subarray(at + 1 + random(3))],
    () => [content.subarray(0, at)],
    () => [content, octets(1 + random(3), random)],
  ]
  return Buffer.concat(any(kinds, random)())
}

/** Returns a ClientHello with up to three changes, in records. */
function mutatedHello(parts: Parts, random: Random): Buffer {
  for (let changes = random(3); changes > 0; changes--) any(partMutations, random)(parts, random)
  const { version, sessionId, suites, compressions } = parts
  const tail = Buffer.concat([
    ...(parts.extensions.length === 0 && random(2) === 0 ? [] : [extensions(...parts.extensions)]),
    parts.rest,
  ])
  const body = helloBody({ version, sessionId, suites: numbers(suites), compressions, tail })
  // Also inner lengths that are wrong.
  return helloRecords(random(5) === 0 ? mutated(body, random) : body, any([1, 7, 0x4000, 0x4000, 0x4000], random))
}

type Verdict = 'accepted' | 'refused'

async function verdictOf(
  serve: (raw: Parameters<Parameters<typeof askServer>[0]>[0]) => void,
  hello: Buffer,
): Promise<Verdict> {
  const answer = await askServer(serve, hello)
  return answer.kind === 'hello' ? 'accepted' : 'refused'
}

/** Defects for which Sealpost refuses a message and OpenSSL does not, by the version that is agreed on. */
const toleratedByOpenssl: Readonly<Record<'1.2' | '1.3', readonly string[]>> = {
  '1.2': [
    // RFC 5746 section 3.2 has no octets after the content; OpenSSL does not look.
    'a malformed renegotiation_info',
    // RFC 8446 section 4.2; OpenSSL looks only at extensions that it knows.
    'an extension sent twice',
    // OpenSSL reads extensions only in the versions that use them.
    'a malformed key_share',
    // RFC 6520 section 2; OpenSSL no longer knows heartbeats.
    'a malformed heartbeat',
  ],
  '1.3': [
    'a malformed heartbeat',
    'a malformed renegotiation_info',
    'an extension sent twice',
    'a malformed ec_point_formats',
    'a malformed extended_master_secret',
  ],
}
/** Extensions whose content OpenSSL reads, and may refuse, and Sealpost ignores. */
const READ_BY_OPENSSL = [1, 5, 12, 14, 18, 19, 20, 22, 27, 35, 41, 42, 44, 45, 47, 49, 50]

/** Returns why a difference is intended; undefined if it is not. */
function explanation(ours: Verdict, hello: ClientHello | undefined): string | undefined {
  if (!hello) return undefined
  const { defects, extensions } = hello
  if (ours === 'accepted') return extensions.types?.some((type) => READ_BY_OPENSSL.includes(type)) ? 'read' : undefined
  const tolerated = toleratedByOpenssl[extensions.supportedVersions?.includes(0x0304) ? '1.3' : '1.2']
  return defects.length > 0 && defects.every((defect) => tolerated.includes(defect)) ? 'tolerated' : undefined
}

async function fuzz(
  base: () => Parts,
  node: NodeTls,
  ours: (hello: Buffer) => Promise<Verdict>,
): Promise<{ different: unknown[]; counts: Record<string, number> }> {
  const random = seededRandom(seed)
  const below: Random = (limit) => Math.floor(random() * limit)
  const different: unknown[] = []
  const counts: Record<string, number> = { accepted: 0, refused: 0 }
  for (const round of roundsOf('ClientHello', rounds, 3)) {
    const sent = mutatedHello(base(), below)
    const read = readClientHello(sent)
    // Both servers would wait for the rest.
    if (read.kind === 'more') continue
    const facts = read.kind === 'hello' ? read.facts : undefined
    const verdict = await ours(sent)
    const byNode = await verdictOf((raw) => void node.handshake(raw, facts, undefined).catch(() => {}), sent)
    const hello = read.kind === 'hello' ? read.hello : undefined
    counts[byNode] = (counts[byNode] ?? 0) + 1
    if (verdict === byNode) continue
    const why = explanation(verdict, hello)
    if (why !== undefined) counts[why] = (counts[why] ?? 0) + 1
    else
      different.push({ round, ours: verdict, node: byNode, read: hello?.defects ?? read, sent: sent.toString('hex') })
  }
  return { different, counts }
}

describe(`ClientHello, mutated, gets the same verdict (seed ${seed})`, () => {
  it('from the engine for old clients and from Node.js', async () => {
    const policy = { minVersion: 'TLSv1', maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA:@SECLEVEL=0' } as const
    const options: LegacyTlsOptions = {
      identity: () => legacyIdentity(rsa.privateKeyPem, [rsa.certificatePem]),
      suites: legacySuites.filter(({ id }) => id === AES_128_SHA),
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.2',
      highestVersion: 0x0303,
      require128: false,
      strength: 'nominal',
      sessionCache: new LegacySessionCache(),
      flaws: {},
      temporaryKeys: new TemporaryKeys(),
    }
    const node = new NodeTls(echoTlsSettings([rsa], policy))
    const engine = (sent: Buffer): Promise<Verdict> =>
      verdictOf((raw) => void acceptLegacy(raw, options).catch(() => {}), sent)
    const { different, counts } = await fuzz(common, node, engine)
    expect(different.slice(0, 10)).toEqual([])
    expect(counts.accepted).toBeGreaterThan(rounds / 10)
    expect(counts.refused).toBeGreaterThan(rounds / 10)
  })

  it.each([
    ['TLS 1.3', modern],
    ['TLS 1.2', common],
  ])('from the table of routes and from Node.js: %s', async (_, base) => {
    const node = new NodeTls(echoTlsSettings([rsa]))
    const capabilities = await node.capabilities('localhost')
    const table = async (sent: Buffer): Promise<Verdict> => {
      const read = readClientHello(sent)
      if (read.kind !== 'hello' || read.hello.defects.length > 0) return 'refused'
      const { renegotiationInfo, supportedVersions } = read.hello.extensions
      // RFC 5746 section 3.6. The table leaves this to OpenSSL, which looks at it before TLS 1.3.
      if (renegotiationInfo?.length && !supportedVersions?.includes(0x0304)) return 'refused'
      return route(read, capabilities, undefined).refusal === undefined ? 'accepted' : 'refused'
    }
    const { different, counts } = await fuzz(base, node, table)
    expect(different.slice(0, 10)).toEqual([])
    expect(counts.accepted).toBeGreaterThan(rounds / 10)
    expect(counts.refused).toBeGreaterThan(rounds / 10)
  })
})

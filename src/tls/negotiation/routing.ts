import type { ClientHello } from './client-hello.ts'
import type { ReceivedHello } from './client-hello-reader.ts'
import { type NodeCapabilities, TLS12, TLS13 } from './node-capabilities.ts'
import {
  canAuthenticate,
  canSign,
  chosenSuite,
  commonVersion,
  hasUnlistedShare,
  highestVersion,
  isFallback,
  isGroup13,
  sharedSuites,
  sharesGroup,
  sharesSignatureAlgorithm,
} from './node-negotiation.ts'

const SSL3 = 0x0300

/** Why a ClientHello is refused. `failure-causes.ts` has the texts. */
export type RefusalCause =
  | 'only SSL 2.0'
  | 'no version'
  /** A client whose version only the engine speaks, and which offers none of its suites. */
  | 'no old suite'
  | 'fallback'
  | 'no suite'
  | 'no suite for the key'
  | 'no group'
  | 'no signature algorithm'
  | 'compression in TLS 1.3'
  | 'unlisted key share'
  | 'missing signature algorithms'
  | 'missing groups'
  | 'missing key share'

/** The engine that answers a ClientHello. With a `refusal` it is answered with an alert. */
export interface Route {
  readonly by: 'node' | 'engine'
  readonly refusal?: RefusalCause | undefined
}

/** The parameters of the engine for old clients. All numbers are as on the wire. */
export interface EngineCapabilities {
  readonly versions: readonly number[]
  readonly suites: readonly { readonly id: number; readonly highestVersion: number }[]
  /** Which clients of node:tls the engine takes, to show them a defect. */
  readonly preferred?: 'never' | 'below TLS 1.3' | 'always'
}

/** The TLS parameters that clients can negotiate with a virtual server, as code points. */
export interface ServedTls {
  /** Oldest first. */
  readonly versions: readonly number[]
  /** In the order of preference. */
  readonly suites: readonly number[]
  readonly groups: readonly number[]
}

/** Returns what clients can negotiate with node:tls and the engine together. */
export const combinedTls = (node: NodeCapabilities, engine: EngineCapabilities | undefined): ServedTls => ({
  versions: [...new Set([...(engine?.versions ?? []), ...node.versions])].toSorted((a, b) => a - b),
  suites: [...new Set([...node.suites, ...(engine?.suites ?? []).map(({ id }) => id)])],
  groups: node.groups,
})

/**
 * Decides who serves a client: node:tls if it can, else the engine if it can. A client that both would refuse is refused by
 * node:tls, as is one that shares TLS 1.3 with it. A ClientHello in SSL 2.0 format goes to the engine if possible.
 */
export function route(
  { hello, sslv2 }: Pick<ReceivedHello, 'hello' | 'sslv2'>,
  node: NodeCapabilities,
  engine: EngineCapabilities | undefined,
): Route {
  const byNode = firstCause(nodeRefusals, hello, node)
  if (!engine || isDowngrade(engine, hello, node)) return { by: 'node', refusal: byNode }
  if (byNode === undefined && !sslv2 && !isPreferred(engine, hello, node)) return { by: 'node' }
  const byEngine = firstCause(engineRefusals(engine), hello, node)
  // The engine refuses a fallback, too.
  if (byEngine === undefined) return { by: 'engine', refusal: isFallback(hello, node) ? 'fallback' : undefined }
  return { by: 'node', refusal: byNode === 'no version' ? byEngine : byNode }
}

/** RFC 8446 section 4.1.3: a client that shares TLS 1.3 refuses an older version, so the engine cannot serve it. */
const isDowngrade = ({ preferred }: EngineCapabilities, hello: ClientHello, node: NodeCapabilities): boolean =>
  preferred !== 'always' && commonVersion(hello, node) === TLS13

function isPreferred({ preferred = 'never' }: EngineCapabilities, hello: ClientHello, node: NodeCapabilities): boolean {
  return preferred === 'always' || (preferred === 'below TLS 1.3' && commonVersion(hello, node) !== TLS13)
}

/** A row of the decision table: a reason to refuse, and when it applies. The first row that applies counts. */
interface Row {
  readonly cause: RefusalCause
  readonly applies: (hello: ClientHello, node: NodeCapabilities) => boolean
}

const firstCause = (rows: readonly Row[], hello: ClientHello, node: NodeCapabilities): RefusalCause | undefined =>
  rows.find(({ applies }) => applies(hello, node))?.cause

/** When OpenSSL refuses a ClientHello, in the order of its checks. */
const nodeRefusals: readonly Row[] = [
  { cause: 'only SSL 2.0', applies: (hello) => hello.version < SSL3 },
  { cause: 'no version', applies: (hello, node) => commonVersion(hello, node) === undefined },
  { cause: 'fallback', applies: isFallback },
  { cause: 'no suite', applies: (hello, node) => sharedSuites(hello, node).length === 0 },
  // RFC 8446 section 9.2
  ...onlyTls13([
    // RFC 8446 section 4.1.2
    { cause: 'compression in TLS 1.3', applies: ({ compressionMethods }) => compressionMethods.length !== 1 },
    { cause: 'missing signature algorithms', applies: ({ extensions }) => !extensions.signatureAlgorithms },
    { cause: 'missing groups', applies: ({ extensions }) => !extensions.groups },
    { cause: 'missing key share', applies: ({ extensions }) => !extensions.keyShares },
    { cause: 'unlisted key share', applies: hasUnlistedShare },
    { cause: 'no group', applies: (hello, node) => !sharesGroup(hello, node, isGroup13) },
    {
      cause: 'no signature algorithm',
      applies: (hello, node) => !node.keys.some((key) => canSign(key.signs13, hello, node)),
    },
  ]),
  ...onlyUpToTls12([
    {
      cause: 'no signature algorithm',
      applies: (hello, node) => commonVersion(hello, node) === TLS12 && !sharesSignatureAlgorithm(hello, node),
    },
    {
      cause: 'no group',
      applies: (hello, node) => chosenSuite(hello, node) === undefined && chosenSuite(hello, node, true) !== undefined,
    },
    { cause: 'no suite for the key', applies: (hello, node) => chosenSuite(hello, node) === undefined },
    {
      cause: 'no signature algorithm',
      applies: (hello, node) => !canAuthenticate(chosenSuite(hello, node) as number, hello, node),
    },
  ]),
]

/** When the engine for old clients cannot or must not serve a client. */
function engineRefusals({ versions, suites }: EngineCapabilities): readonly Row[] {
  const common = ({ version, extensions: { supportedVersions: listed } }: ClientHello): number[] =>
    // RFC 8446 section 4.2.1: with supported_versions, only a listed version may be chosen.
    versions.filter((one) => (listed ? listed.includes(one) : one <= version))
  return [
    { cause: 'only SSL 2.0', applies: (hello) => hello.version < SSL3 },
    { cause: 'no version', applies: (hello) => common(hello).length === 0 },
    {
      // A client that speaks TLS 1.2 is not old. A policy that forbids TLS 1.2 forbids it to such a client altogether.
      cause: 'no version',
      applies: (hello, node) => highestVersion(hello) >= TLS12 && (node.versions[0] ?? TLS13) > TLS12,
    },
    {
      cause: 'no old suite',
      applies: (hello) =>
        !suites.some((one) => hello.suites.includes(one.id) && common(hello).some((v) => v <= one.highestVersion)),
    },
  ]
}

/** Limits rows to clients that get TLS 1.3. */
function onlyTls13(rows: readonly Row[]): Row[] {
  return rows.map(({ cause, applies }) => ({
    cause,
    applies: (hello, node) => commonVersion(hello, node) === TLS13 && applies(hello, node),
  }))
}

/** Limits rows to clients that get an older version. */
function onlyUpToTls12(rows: readonly Row[]): Row[] {
  return rows.map(({ cause, applies }) => ({
    cause,
    applies: (hello, node) => commonVersion(hello, node) !== TLS13 && applies(hello, node),
  }))
}

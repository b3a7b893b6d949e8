import { type ClientHello, FALLBACK_SCSV } from './client-hello.ts'
import { isGrease } from './client-hello-facts.ts'
import { type NodeCapabilities, TLS12, TLS13 } from './node-capabilities.ts'
import type { ServerKey } from './server-key.ts'
import { suiteName } from './suites.ts'

// Predicts how OpenSSL, as node:tls sets it up, answers a ClientHello. test/tls/negotiation/routing.test.ts compares it with OpenSSL itself.

const SSL3 = 0x0300
const RSA_SHA1 = 0x0201
const ECDSA_SHA1 = 0x0203

/** Returns the highest version that a client offers. RFC 8446 section 4.2.1: without supported_versions, TLS 1.2 at most. */
export function highestVersion({ version, extensions: { supportedVersions: listed } }: ClientHello): number {
  if (listed) return Math.max(0, ...listed.filter((one) => !isGrease(one) && one <= TLS13))
  return Math.min(version, TLS12)
}

export function commonVersion(hello: ClientHello, { versions }: NodeCapabilities): number | undefined {
  const listed = hello.extensions.supportedVersions
  if (!listed) return versions.filter((version) => version <= Math.min(hello.version, TLS12)).at(-1)
  // RFC 8446 appendix D.5: SSL 3.0 in `legacy_version` is refused.
  return hello.version <= SSL3 ? undefined : versions.filter((version) => listed.includes(version)).at(-1)
}

/** RFC 7507 section 3: the client retries with a lower version although the server supports a higher one. */
export function isFallback(hello: ClientHello, { versions }: NodeCapabilities): boolean {
  return hello.suites.includes(FALLBACK_SCSV) && highestVersion(hello) < (versions.at(-1) as number)
}

/** Returns the suites that both sides support with the version that they agree on, in the server's order. */
export function sharedSuites(hello: ClientHello, node: NodeCapabilities): number[] {
  const version = commonVersion(hello, node) as number
  return node.suites.filter((id) => hello.suites.includes(id) && worksWith(suiteName(id), version))
}

/** Returns whether a suite works with a version. AEAD and SHA-2 suites require TLS 1.2: RFC 5246 appendix A.5. */
function worksWith(name: string, version: number): boolean {
  const isOf13 = !name.includes('_WITH_')
  if (version === TLS13 || isOf13) return version === TLS13 && isOf13
  return version === TLS12 || !/_(SHA256|SHA384|CCM|CCM_8)$/.test(name)
}

/**
 * Returns the suite that OpenSSL chooses up to TLS 1.2: the first one that a key fits.
 * @param withAnyGroup as if the client supported all groups
 */
export function chosenSuite(hello: ClientHello, node: NodeCapabilities, withAnyGroup = false): number | undefined {
  const hasGroup = withAnyGroup || sharesGroup(hello, node, isGroup12)
  return sharedSuites(hello, node).find((id) => {
    const { ephemeral, authentication } = exchangeOf(id)
    if (ephemeral?.startsWith('EC') && !hasGroup) return false
    if (authentication === 'anon') return true
    return node.keys.some(
      (key) =>
        key.authentication === authentication &&
        (ephemeral !== undefined || key.encrypts) &&
        (withAnyGroup || hasCurve(key, hello)) &&
        // OpenSSL skips a key that cannot sign for this client, except an RSA key.
        (key.encrypts || canSignFor(key, hello, node)),
    )
  })
}

/** Returns the parts of a suite's name: `ECDHE_RSA` is ephemeral with RSA authentication; `RSA` is not ephemeral. */
function exchangeOf(id: number): { ephemeral: string | undefined; authentication: string } {
  const [first = '', second] = (/^TLS_(.+)_WITH_/.exec(suiteName(id))?.[1] ?? '').split('_')
  return second === undefined
    ? { ephemeral: undefined, authentication: first }
    : { ephemeral: first, authentication: second }
}

/** RFC 8422 section 5.1: the curve of the certificate must be among the client's groups. */
const hasCurve = ({ curve }: ServerKey, { extensions: { groups } }: ClientHello): boolean =>
  curve === undefined || groups?.includes(curve) === true

/** Returns whether a key can sign for a client up to TLS 1.2. Before TLS 1.2, nothing is negotiated. */
function canSignFor(key: ServerKey, hello: ClientHello, node: NodeCapabilities): boolean {
  if (commonVersion(hello, node) === TLS12) return canSign(key.signs12, hello, node)
  return key.signs12.includes(RSA_SHA1) || key.signs12.includes(ECDSA_SHA1)
}

/** Returns whether the server can sign with a chosen suite. OpenSSL checks this in TLS 1.2 even where nothing is signed. */
export function canAuthenticate(suite: number, hello: ClientHello, node: NodeCapabilities): boolean {
  const { authentication } = exchangeOf(suite)
  return (
    authentication === 'anon' ||
    node.keys.some((key) => key.authentication === authentication && canSignFor(key, hello, node))
  )
}

export function canSign(algorithms: readonly number[], hello: ClientHello, node: NodeCapabilities): boolean {
  // RFC 5246 section 7.4.1.4.1: SHA-1 is meant if the client lists nothing.
  const offered = hello.extensions.signatureAlgorithms ?? [RSA_SHA1, ECDSA_SHA1]
  return algorithms.some((one) => offered.includes(one) && node.signatureAlgorithms.includes(one))
}

/** Returns whether OpenSSL finds a key share for a group that the client does not list. It stops at the first usable one. */
export function hasUnlistedShare({ extensions: { keyShares, groups } }: ClientHello, node: NodeCapabilities): boolean {
  const first = keyShares?.find((group) => !groups?.includes(group) || node.groups.includes(group))
  return first !== undefined && groups?.includes(first) !== true
}

/** Returns whether client and server share a signature algorithm, for any key; true if the client lists none. */
export function sharesSignatureAlgorithm(hello: ClientHello, { signatureAlgorithms }: NodeCapabilities): boolean {
  const offered = hello.extensions.signatureAlgorithms
  return offered === undefined || offered.some((one) => signatureAlgorithms.includes(one))
}

/** Elliptic curves of TLS 1.2: code points below those for TLS 1.3. RFC 8446 section 4.2.7 */
const isGroup12 = (id: number): boolean => id < 0x001f
/** Brainpool curves have other code points in TLS 1.3 (RFC 8734), and secp256k1 is not allowed. */
export const isGroup13 = (id: number): boolean => id !== 0x0016 && !(id >= 0x001a && id <= 0x001c)

export function sharesGroup(
  hello: ClientHello,
  { groups }: NodeCapabilities,
  isUsable: (id: number) => boolean,
): boolean {
  return hello.extensions.groups?.some((id) => isUsable(id) && groups.includes(id)) === true
}

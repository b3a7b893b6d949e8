import { UNEXPECTED_PROXY_HEADER } from '../../core/network/proxy-header.ts'
import type { CauseName } from '../../core/sessions/cures.ts'
import { versionName } from './client-hello-facts.ts'
import type { FirstOctets } from './client-hello-reader.ts'
import { groupName, signatureAlgorithmName } from './names.ts'
import type { NodeCapabilities } from './node-capabilities.ts'
import { highestVersion } from './node-negotiation.ts'
import type { TlsPolicy } from './policy.ts'
import type { RefusalCause } from './routing.ts'
import { describeSuite } from './suites.ts'

/** The known facts about a failed handshake. */
export interface FailureContext {
  readonly first: FirstOctets | undefined
  readonly policy: TlsPolicy
  /** Absent where it was not looked up. */
  readonly node?: NodeCapabilities | undefined
  /** Whether old clients are served by the engine. */
  readonly hasEngine?: boolean
  /** The protocol's names in ALPN. */
  readonly protocols?: readonly string[]
  readonly timeoutMs: number
  /** Reason that Node.js or OpenSSL gives, in one line. */
  readonly reason?: string
}

type Sentence = string | ((context: FailureContext) => string)

/** Why a handshake failed: what happened, then what to do. */
const table = {
  'only SSL 2.0': 'the client speaks only SSL 2.0, which is not supported: enable SSL 3.0 or TLS in the client',
  'no version': (context) =>
    `the client offers ${offeredVersions(context)}, this virtual server allows ${allowedVersions(context)}: ${versionCure(context)}`,
  'no old suite': (context) =>
    `no cipher suite in common: the client offers ${offeredVersions(context)} with ${offeredSuites(context)}; for this version, this virtual server has only the suites of tls.legacy`,
  fallback: (context) =>
    `the client says that it fell back to ${offeredVersions(context)} after a failed handshake (TLS_FALLBACK_SCSV), but this virtual server supports ${context.policy.maxVersion}; look for what made its first handshake fail`,
  'no suite': (context) =>
    `no cipher suite in common: the client offers ${offeredSuites(context)}; ${suiteCure(context)}`,
  'no suite for the key': (context) =>
    `no cipher suite in common for the certificate’s key (${keyNames(context)}): the client offers ${offeredSuites(context)}; assign a certificate with another kind of key, or one of each kind`,
  'no group': (context) =>
    `no key-exchange group in common: the client offers ${offeredGroups(context)}; this virtual server allows ${allowedGroups(context)}; allow one of the client’s with tls.groups`,
  'no signature algorithm': (context) =>
    `no signature algorithm in common: the client offers ${offeredSignatures(context)}; this virtual server has a key for ${keyNames(context)}, and its security level may exclude SHA-1 (tls.ciphers: "DEFAULT@SECLEVEL=0" allows it)`,
  'compression in TLS 1.3':
    'the client offers TLS 1.3 with compression, which TLS 1.3 forbids: the client has a defect',
  // RFC 8446 section 4.2.8
  'unlisted key share':
    'the client sends a key share for a group that it does not list in supported_groups: the client has a defect',
  'missing signature algorithms': missingExtension('signature_algorithms'),
  'missing groups': missingExtension('supported_groups'),
  'missing key share': missingExtension('key_share'),
  malformed: ({ first, reason }) =>
    `the ClientHello is malformed: ${defectOf(first) ?? reason ?? 'OpenSSL cannot read it'}; the client has a defect, or something changes its data`,
  'record too long':
    'the client sent a record that is longer than TLS allows: the client has a defect, or something changes its data',
  'unexpected message': 'the client sent a message that does not belong there in a handshake: the client has a defect',
  'alert before': ({ first }) =>
    `the client gave up before its ClientHello (alert ${alertIn(first)}): its own settings leave no version or cipher suite that it may offer. OpenSSL offers TLS 1.0 and 1.1 only with -cipher DEFAULT@SECLEVEL=0`,
  'corrupt record':
    'a record does not have the right checksum (bad MAC): something between client and server changed the data, or the client has a defect',
  'clear text': ({ first }) =>
    `the client sent something that is not TLS (clear text on a TLS port?)${firstWord(first)}: choose SSL/TLS in the client, or the clear-text port`,
  HTTP: ({ protocols }) =>
    protocols?.includes('http/1.1')
      ? 'the client sent an HTTP request in clear text: use https for this port, or the clear-text port'
      : 'the client sent an HTTP request: is this the port that it should use?',
  'PROXY header': UNEXPECTED_PROXY_HEADER,
  'no ALPN protocol': (context) =>
    `no protocol in common (ALPN): the client offers ${listText(helloOf(context)?.facts.alpn, String)}, this virtual server speaks ${listText(context.protocols, String)}; offer one of these in the client, or none`,
  'no client certificate':
    'the client sent no certificate, and this virtual server requires one (clientCertificates): install one on the client',
  // OpenSSL ends some of these handshakes without an alert.
  'wrong signature': 'a signature is wrong: that of the client’s certificate, or that of its handshake',
  closed:
    'the client closed the connection during the handshake (many clients do this when they do not trust the certificate’s issuer: install the lab’s root on the client)',
  timeout: ({ timeoutMs }) =>
    `the client did not finish the handshake in time (limits.handshakeTimeout, ${timeoutMs / 1000} s)`,
  'closed before': 'the client closed the connection before the handshake',
  'closed within': 'the client closed the connection in the middle of its ClientHello',
  'silent before': ({ timeoutMs }) =>
    `the client sent nothing before the end of limits.handshakeTimeout (${timeoutMs / 1000} s): a client that waits for a greeting in clear text needs SSL/TLS, or the clear-text port`,
  'silent within': ({ timeoutMs }) =>
    `the client did not finish its ClientHello in time (limits.handshakeTimeout, ${timeoutMs / 1000} s)`,
  'no memory': 'the memory limit of the lab (memoryLimit) is reached',
} as const satisfies Readonly<Record<string, Sentence>>

export type FailureCause = keyof typeof table | RefusalCause
/** The sentence for each cause. */
export const sentences: Readonly<Record<FailureCause, Sentence>> & { readonly 'corrupt record': string } = table

/** The causes that the lab knows a cure for. */
export const curable: Readonly<Partial<Record<FailureCause, CauseName>>> = {
  'only SSL 2.0': 'version',
  'no version': 'version',
  fallback: 'version',
  'alert before': 'version',
  'no old suite': 'suite',
  'no suite': 'suite',
  'no suite for the key': 'suite',
  'no group': 'suite',
  'no signature algorithm': 'suite',
  'clear text': 'clear-text',
  HTTP: 'clear-text',
  'silent before': 'clear-text',
  'no client certificate': 'client-certificate',
  'wrong signature': 'client-certificate',
  closed: 'certificate-refused',
}

function missingExtension(extension: string): string {
  // RFC 8446 section 9.2
  return `the client offers TLS 1.3 without the extension ${extension}, which TLS 1.3 requires: the client has a defect`
}

const helloOf = ({ first }: FailureContext) => (first?.kind === 'hello' ? first : undefined)

function offeredVersions(context: FailureContext): string {
  const versions = helloOf(context)?.facts.versions ?? []
  return versions.length > 0 ? versions.join(', ') : 'another version'
}

function allowedVersions({ policy: { minVersion, maxVersion } }: FailureContext): string {
  return minVersion === maxVersion ? minVersion : `${minVersion} to ${maxVersion}`
}

/** Returns what to do about different versions. */
function versionCure(context: FailureContext): string {
  const hello = helloOf(context)?.hello
  const offered = hello && versionName(highestVersion(hello))
  if (offered === 'SSLv3') return 'update the client, or allow old clients with tls.legacy'
  if (hello && highestVersion(hello) < 0x0303 && !context.hasEngine) {
    return 'update the client, or change tls.minVersion, or allow old clients with tls.legacy'
  }
  return 'change the client’s versions, or tls.minVersion and tls.maxVersion'
}

function offeredSuites(context: FailureContext): string {
  const suites = helloOf(context)?.facts.suites ?? []
  return suites.length === 0 ? 'no known suite' : suites.map(describeSuite).join(', ')
}

/** Returns what to do about different suites. */
function suiteCure({ policy, hasEngine }: FailureContext): string {
  if (policy.require128BitEncryption)
    return 'this virtual server requires 128-bit encryption: offer such a suite in the client, or set require128BitEncryption: false'
  return `allow one of them with tls.ciphers${hasEngine ? '' : ', or an old one with tls.legacy'}`
}

const listText = <T>(list: readonly T[] | undefined, name: (item: T) => string): string =>
  list === undefined || list.length === 0 ? 'none' : list.map(name).join(', ')

const offeredGroups = (context: FailureContext): string =>
  listText(helloOf(context)?.hello.extensions.groups?.slice(0, MAX_NAMES), groupName)
const allowedGroups = ({ node }: FailureContext): string => listText(node?.groups, groupName)
const offeredSignatures = (context: FailureContext): string =>
  listText(helloOf(context)?.hello.extensions.signatureAlgorithms?.slice(0, MAX_NAMES), signatureAlgorithmName)
const keyNames = ({ node }: FailureContext): string =>
  listText(node?.keys, ({ authentication = 'TLS 1.3 only' }) => authentication)

/** How many names of a long list are shown. */
const MAX_NAMES = 64

function defectOf(first: FirstOctets | undefined): string | undefined {
  if (first?.kind === 'malformed') return first.why
  return first?.kind === 'hello' ? first.hello.defects[0] : undefined
}

/** Returns the alert that a client sent in place of a ClientHello. RFC 8446 section 6. */
export function alertIn(first: FirstOctets | undefined): number | undefined {
  const alert = first?.kind === 'not-tls' ? /^\x15\x03[^]\x00\x02[\x01\x02]([^])/.exec(first.start)?.[1] : undefined
  return alert?.charCodeAt(0)
}

/** Returns the command that a client sent in clear text, without its arguments: they may be secret. */
function firstWord(first: FirstOctets | undefined): string {
  const word = first?.kind === 'not-tls' ? /^[A-Za-z][A-Za-z0-9]{1,15}(?=[ \r\n])/.exec(first.start)?.[0] : undefined
  return word === undefined ? '' : `, it begins with “${word}”`
}

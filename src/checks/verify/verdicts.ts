import type { X509Certificate } from 'node:crypto'
import { shortenAddresses } from '../../core/network/ip-address.ts'
import { Probe } from './probe.ts'
import { type AgreedFacts, describeAgreed } from './tls/handshake.ts'
import { followChain, isSelfSigned, titleOf } from './tls/trust.ts'
import type { Endpoint, VerifyOptions } from './types.ts'

/** A program's verdict on the certificate of a server. */
interface ClientSays {
  readonly client: string
  readonly accepts: boolean
  readonly says: string
}

/** The verdict of the clients that trust some roots. */
interface Verdict {
  readonly accepts: boolean
  /** The number and the text of OpenSSL's verification. */
  readonly code: number
  readonly message: string
  readonly clients: readonly ClientSays[]
}

/** The handshake of a port, and what clients say of its certificate. */
export interface PortVerdict {
  /** The result of the negotiation with clients that trust the roots. Null if they refuse the certificate. */
  readonly agreed: AgreedFacts | null
  /** The certificates that the server sends. */
  readonly sends: readonly string[]
  readonly trusting: Verdict
  readonly others: Verdict
}

/**
 * Does two handshakes with a port: one that trusts roots, and one that trusts those of the system.
 * @throws VerifyError if a handshake fails for another reason than the certificate
 */
export async function portVerdict(
  endpoint: Endpoint,
  options: VerifyOptions,
  trusted: readonly string[],
  system: readonly string[],
): Promise<PortVerdict> {
  const [trusting, others] = [trusted, system].map((ca) => new Probe(endpoint, options, ca)) as [Probe, Probe]
  const view = await trusting.tls()
  return {
    agreed: view.untrusted || view.unusable ? null : describeAgreed(view.agreed),
    sends: view.certificates.map(titleOf),
    trusting: await verdictOf(trusting),
    others: await verdictOf(others),
  }
}

async function verdictOf(probe: Probe): Promise<Verdict> {
  const { untrusted, certificates } = await probe.tls()
  if (!untrusted) {
    const accepting = ['curl', 'Python', 'Thunderbird', 'Windows', 'Java', 'Go']
    return {
      accepts: true,
      code: 0,
      message: 'ok',
      clients: accepting.map((client) => ({ client, accepts: true, says: '' })),
    }
  }
  const message = untrusted.code === 'ERR_TLS_CERT_ALTNAME_INVALID' ? MISMATCH : untrusted.message
  const [code = 1] = errors[message] ?? []
  const says = textsOf(firstError(message, certificates, probe.roots), probe.endpoint.serverName, certificates[0])
  return { accepts: false, code, message, clients: says.map((one) => ({ ...one, accepts: false })) }
}

/**
 * Returns the error at which most clients end the verification. Node.js and `openssl s_client` continue and report the
 * last one: OpenSSL looks for a trusted root before it checks dates, names and purposes.
 */
function firstError(message: string, sent: readonly X509Certificate[], roots: readonly X509Certificate[]): string {
  const { certificates, root } = followChain(sent, roots)
  const last = certificates.at(-1)
  if (root || !last) return message
  if (!isSelfSigned(last)) return 'unable to get local issuer certificate'
  return certificates.length === 1 ? 'self-signed certificate' : 'self-signed certificate in certificate chain'
}

const MISMATCH = 'hostname mismatch'

/** OpenSSL's numbers of its texts (x509_vfy.h), and the texts of other programs for the same. */
const errors: Readonly<Record<string, readonly [number: number, says: keyof typeof texts]>> = {
  'certificate is not yet valid': [9, 'notYetValid'],
  'certificate has expired': [10, 'expired'],
  'self-signed certificate': [18, 'selfSigned'],
  'self-signed certificate in certificate chain': [19, 'untrusted'],
  'unable to get issuer certificate': [2, 'untrusted'],
  'unable to get local issuer certificate': [20, 'untrusted'],
  'unable to verify the first certificate': [21, 'untrusted'],
  'certificate revoked': [23, 'revoked'],
  'unsuitable certificate purpose': [26, 'purpose'],
  'permitted subtree violation': [47, 'nameConstraint'],
  [MISMATCH]: [62, 'name'],
  'EE certificate key too weak': [66, 'weakKey'],
  'CA signature digest algorithm too weak': [68, 'weakSignature'],
}

const unknownAuthority = 'x509: certificate signed by unknown authority'
const pathBuilding =
  'PKIX path building failed: sun.security.provider.certpath.SunCertPathBuilderException: unable to find valid certification path to requested target'
const pathValidation = 'PKIX path validation failed: java.security.cert.CertPathValidatorException:'
// Windows: as its users report them. The tests compare the texts of OpenSSL, curl, Python and Java with these programs.
const untrustedRoot =
  'A certificate chain processed, but terminated in a root certificate which is not trusted by the trust provider.'
const validity =
  'A required certificate is not within its validity period when verifying against the current system clock.'

/**
 * The messages of programs with a verification of their own. NAME is the host, NAMES those of the certificate. Windows: the text
 * of Outlook and Outlook Express.
 */
const texts = {
  untrusted: {
    Thunderbird: 'SEC_ERROR_UNKNOWN_ISSUER',
    Windows: untrustedRoot,
    Java: pathBuilding,
    Go: unknownAuthority,
  },
  selfSigned: {
    Thunderbird: 'MOZILLA_PKIX_ERROR_SELF_SIGNED_CERT',
    Windows: untrustedRoot,
    Java: pathBuilding,
    Go: unknownAuthority,
  },
  expired: {
    Thunderbird: 'SEC_ERROR_EXPIRED_CERTIFICATE',
    Windows: validity,
    Java: `${pathValidation} validity check failed`,
    Go: 'x509: certificate has expired or is not yet valid',
  },
  notYetValid: {
    Thunderbird: 'MOZILLA_PKIX_ERROR_NOT_YET_VALID_CERTIFICATE',
    Windows: validity,
    Java: `${pathValidation} validity check failed`,
    Go: 'x509: certificate has expired or is not yet valid',
  },
  name: {
    Thunderbird: 'SSL_ERROR_BAD_CERT_DOMAIN',
    Windows: 'The target principal name is incorrect.',
    Java: 'No subject alternative DNS name matching NAME found.',
    Go: 'x509: certificate is valid for NAMES, not NAME',
  },
  purpose: {
    Thunderbird: 'SEC_ERROR_INADEQUATE_CERT_TYPE',
    Windows: 'The certificate is not valid for the requested usage.',
    Java: 'Extended key usage does not permit use for TLS server authentication',
    Go: 'x509: certificate specifies an incompatible key usage',
  },
  weakKey: { Thunderbird: 'MOZILLA_PKIX_ERROR_INADEQUATE_KEY_SIZE' },
  weakSignature: { Thunderbird: 'SEC_ERROR_CERT_SIGNATURE_ALGORITHM_DISABLED' },
  nameConstraint: {
    Thunderbird: 'SEC_ERROR_CERT_NOT_IN_NAME_SPACE',
    Java: `${pathValidation} name constraints check failed`,
    Go: 'x509: a root or intermediate certificate is not authorized to sign for this name: DNS name "NAME" is not permitted by any constraint',
  },
  revoked: { Thunderbird: 'SEC_ERROR_REVOKED_CERTIFICATE', Windows: 'The certificate is revoked.' },
} as const satisfies Readonly<
  Record<string, Readonly<Partial<Record<'Thunderbird' | 'Windows' | 'Java' | 'Go', string>>>>
>

/** Returns what programs say for an error of OpenSSL. */
function textsOf(message: string, serverName: string, leaf: X509Certificate | undefined) {
  const kind = errors[message]?.[1]
  const [curl, python] =
    message === MISMATCH
      ? [
          `SSL: no alternative certificate subject name matches target hostname '${serverName}'`,
          `Hostname mismatch, certificate is not valid for '${serverName}'.`,
        ]
      : [`SSL certificate problem: ${message}`, message]
  const all = {
    curl: `curl: (60) ${curl}`,
    Python: `[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: ${python}`,
    ...(kind === undefined ? {} : texts[kind]),
  }
  const names = leaf?.subjectAltName?.replaceAll(/\b(?:DNS|IP Address):/g, '') ?? ''
  return Object.entries(all).map(([client, text]) => ({
    client,
    says: text.replace('NAMES', shortenAddresses(names)).replace('NAME', serverName),
  }))
}

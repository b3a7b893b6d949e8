import type { LookupFunction } from 'node:net'
import { HttpsGetError, httpsGet } from '../https-get.ts'
import { type MtaStsPolicy, MtaStsPolicyError, parsePolicy } from './policy.ts'
import { MAX_POLICY_OCTETS, POLICY_PATH, policyHost } from './served.ts'

/** Why a policy cannot be had, in the words of TLS reports. RFC 8460 section 4.3.2.2. */
type PolicyFailure = 'sts-policy-fetch-error' | 'sts-policy-invalid' | 'sts-webpki-invalid'

/** A policy that cannot be fetched or read. */
export class PolicyFetchError extends Error {
  override readonly name = 'PolicyFetchError'
  readonly failure: PolicyFailure
  constructor(failure: PolicyFailure, message: string, options?: ErrorOptions) {
    super(message, options)
    this.failure = failure
  }
}

/** Where and how a policy is fetched. */
interface PolicySource {
  /** The HTTPS port of policy hosts. Default: 443. */
  readonly port?: number
  /** Roots in PEM of which one must have issued the certificate. */
  readonly roots: readonly string[]
  readonly lookup: LookupFunction
  /** RFC 8461 section 3.3 suggests one minute. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** Fetches the policy of a domain over HTTPS. @throws PolicyFetchError */
export async function fetchPolicy(domain: string, source: PolicySource): Promise<MtaStsPolicy> {
  const text = await download(policyHost(domain), source)
  try {
    return parsePolicy(text)
  } catch (error) {
    if (!(error instanceof MtaStsPolicyError)) throw error
    throw new PolicyFetchError('sts-policy-invalid', error.message, { cause: error })
  }
}

/** RFC 8461 section 3.3: the certificate must be valid for the policy host, and redirects are not followed. @throws PolicyFetchError */
async function download(host: string, source: PolicySource): Promise<string> {
  try {
    const { type, octets } = await httpsGet(host, { ...source, path: POLICY_PATH, maxOctets: MAX_POLICY_OCTETS })
    if (/^text\/plain[ \t]*(?:;|$)/i.test(type)) return octets.toString('utf8')
    throw new PolicyFetchError('sts-policy-fetch-error', `the content type is ${type || 'absent'}`)
  } catch (error) {
    if (!(error instanceof HttpsGetError)) throw error
    const failure = error.isUntrusted ? 'sts-webpki-invalid' : 'sts-policy-fetch-error'
    throw new PolicyFetchError(failure, error.message, { cause: error })
  }
}

import type { LookupFunction } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { clearTimeout, setTimeout } from '../../core/time/real-timers.ts'
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

/** RFC 8461 section 3.3: the certificate must be valid for the policy host. @throws PolicyFetchError */
async function download(host: string, { port = 443, roots, lookup, timeoutMs, signal }: PolicySource): Promise<string> {
  const { request } = await import('node:https') // Loaded on demand: most labs send no mail to other domains.
  return new Promise((resolve, reject) => {
    const refuse = (message: string): void => {
      reject(new PolicyFetchError('sts-policy-fetch-error', message))
      sent.destroy()
    }
    const options = { host, port, path: POLICY_PATH, lookup, ca: [...roots], agent: false as const }
    const sent = request({ ...options, ...(signal ? { signal } : {}) }, (response) => {
      const { statusCode, headers } = response
      // Redirects are not followed. RFC 8461 section 3.3
      if (statusCode !== 200) return refuse(`HTTP status ${statusCode}`)
      const type = headers['content-type'] ?? ''
      if (!/^text\/plain[ \t]*(?:;|$)/i.test(type)) return refuse(`the content type is ${type || 'absent'}`)
      const pieces: Buffer[] = []
      let octets = 0
      response.on('data', (piece: Buffer) => {
        octets += piece.length
        if (octets > MAX_POLICY_OCTETS) refuse(`the policy is longer than ${MAX_POLICY_OCTETS / 1024} KiB`)
        else pieces.push(piece)
      })
      response.on('end', () => resolve(Buffer.concat(pieces).toString('utf8')))
      response.on('error', (error) => refuse(error.message))
    })
    // The whole answer must arrive in this time, not only its next octets.
    const timer = setTimeout(() => refuse(`no answer within ${timeoutMs / 1000} s`), timeoutMs)
    sent.on('close', () => clearTimeout(timer))
    // Without this, a request whose server switches to another protocol ends with no event but `close`.
    sent.on('upgrade', (_, socket) => {
      socket.destroy()
      refuse('HTTP status 101')
    })
    sent.on('error', (error) => {
      const isUntrusted = (sent.socket as TLSSocket | null)?.authorizationError !== undefined
      const failure = isUntrusted && sent.socket !== null ? 'sts-webpki-invalid' : 'sts-policy-fetch-error'
      reject(new PolicyFetchError(failure, error.message, { cause: error }))
    })
    sent.end()
  })
}

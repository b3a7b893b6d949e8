import type { LookupFunction } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { clearTimeout, setTimeout } from '../core/time/real-timers.ts'

/** A document that cannot be had over HTTPS. */
export class HttpsGetError extends Error {
  override readonly name = 'HttpsGetError'
  /** Whether the server has no valid certificate. */
  readonly isUntrusted: boolean
  constructor(message: string, isUntrusted = false, options?: ErrorOptions) {
    super(message, options)
    this.isUntrusted = isUntrusted
  }
}

interface HttpsSource {
  /** Default: 443. */
  readonly port?: number
  readonly path: string
  /** Roots in PEM of which one must have issued the certificate. */
  readonly roots: readonly string[]
  readonly lookup: LookupFunction
  /** The whole answer must arrive in this time. */
  readonly timeoutMs: number
  readonly maxOctets: number
  readonly signal?: AbortSignal
}

interface HttpsDocument {
  /** The content type; empty if the server sends none. */
  readonly type: string
  readonly octets: Buffer
}

/** Fetches a document over HTTPS. The certificate must be valid for the host, and redirects are not followed. @throws HttpsGetError */
export async function httpsGet(host: string, source: HttpsSource): Promise<HttpsDocument> {
  const { port = 443, path, roots, lookup, timeoutMs, maxOctets, signal } = source
  const { request } = await import('node:https') // Loaded on demand: most labs fetch nothing.
  return new Promise((resolve, reject) => {
    const refuse = (message: string): void => {
      reject(new HttpsGetError(message))
      sent.destroy()
    }
    const options = { host, port, path, lookup, ca: [...roots], agent: false as const }
    const sent = request({ ...options, ...(signal ? { signal } : {}) }, (response) => {
      const { statusCode, headers } = response
      if (statusCode !== 200) return refuse(`HTTP status ${statusCode}`)
      const pieces: Buffer[] = []
      let octets = 0
      response.on('data', (piece: Buffer) => {
        octets += piece.length
        if (octets > maxOctets) refuse(`the document is longer than ${maxOctets / 1024} KiB`)
        else pieces.push(piece)
      })
      response.on('end', () => resolve({ type: headers['content-type'] ?? '', octets: Buffer.concat(pieces) }))
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
      const isUntrusted = sent.socket !== null && (sent.socket as TLSSocket | null)?.authorizationError !== undefined
      reject(new HttpsGetError(error.message, isUntrusted, { cause: error }))
    })
    sent.end()
  })
}

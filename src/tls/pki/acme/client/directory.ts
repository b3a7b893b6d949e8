import { get as httpGet } from 'node:http'
import { get as httpsGet } from 'node:https'
import { rootCertificates } from 'node:tls'
import { PkiError } from '../../errors.ts'

/** For a whole exchange. */
export const TIMEOUT_MS = 15_000
/** Longest answer of a directory. */
export const MAX_OCTETS = 1024 * 1024

/** The addresses in a directory that the client itself uses. RFC 8555 section 7.1.1. */
interface AcmeDirectoryDocument {
  readonly newOrder: string
  readonly renewalInfo?: string
}

/** Reads an ACME directory, before anything is changed for it. @throws PkiError `refused` if it cannot be reached or trusted */
export async function readDirectory(directoryUrl: string, ca: string | undefined): Promise<AcmeDirectoryDocument> {
  const { body } = await fetchText(directoryUrl, ca).catch((cause: Error) => {
    throw new PkiError('refused', `${directoryUrl} cannot be reached: ${cause.message}`, { cause })
  })
  const document = parseJson(body)
  if (typeof document.newOrder !== 'string') throw new PkiError('refused', `${directoryUrl} is not an ACME directory`)
  const { newOrder, renewalInfo } = document
  return { newOrder, ...(typeof renewalInfo === 'string' ? { renewalInfo } : {}) }
}

function parseJson(text: string): Record<string, unknown> {
  try {
    return (JSON.parse(text) ?? {}) as Record<string, unknown>
  } catch {
    return {}
  }
}

/** When an authority suggests to renew a certificate, and when to ask again. In milliseconds. RFC 9773 section 4.2. */
interface RenewalWindow {
  readonly startMs: number
  readonly endMs: number
  readonly askAgainAfterMs: number
}

/** Limits of Retry-After that are sensible. RFC 9773 section 4.3.2. */
const SHORTEST_MS = 1000
const LONGEST_MS = 86_400_000
const DEFAULT_MS = 6 * 3_600_000

/** Returns the renewal information of a certificate; undefined if the directory has none. @throws if it cannot be read */
export async function renewalWindow(
  directoryUrl: string,
  ca: string | undefined,
  id: string,
): Promise<RenewalWindow | undefined> {
  const { renewalInfo } = await readDirectory(directoryUrl, ca)
  if (renewalInfo === undefined) return undefined
  const { body, retryAfter } = await fetchText(`${renewalInfo}/${id}`, ca)
  const window = (parseJson(body).suggestedWindow ?? {}) as Record<string, unknown>
  const [startMs, endMs] = [Date.parse(String(window.start)), Date.parse(String(window.end))]
  if (!(startMs <= endMs)) throw new PkiError('refused', `${renewalInfo}/${id} has no suggestedWindow`)
  const seconds = Number(retryAfter)
  const wait = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : DEFAULT_MS
  return { startMs, endMs, askAgainAfterMs: Math.min(Math.max(wait, SHORTEST_MS), LONGEST_MS) }
}

function fetchText(url: string, ca: string | undefined): Promise<{ body: string; retryAfter: string | undefined }> {
  return new Promise((resolve, reject) => {
    const get = new URL(url).protocol === 'https:' ? httpsGet : httpGet
    const request = get(
      url,
      { agent: false, signal: AbortSignal.timeout(TIMEOUT_MS), ...(ca ? { ca: [...rootCertificates, ca] } : {}) },
      (response) => {
        const chunks: Buffer[] = []
        let octets = 0
        response.on('data', (chunk: Buffer) => {
          octets += chunk.length
          if (octets > MAX_OCTETS) response.destroy(new Error(`the response has more than ${MAX_OCTETS} octets`))
          else chunks.push(chunk)
        })
        response.on('error', reject)
        response.on('end', () =>
          resolve({ body: Buffer.concat(chunks).toString('utf8'), retryAfter: response.headers['retry-after'] }),
        )
      },
    )
    // Without this, a request whose server switches to another protocol ends with no event but `close`.
    request.on('upgrade', (_, socket) => {
      socket.destroy()
      reject(new Error('status 101'))
    })
    request.on('error', (error) => reject(error.name === 'AbortError' ? new Error('timeout') : error))
  })
}

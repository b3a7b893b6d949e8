import { isIP, type LookupFunction } from 'node:net'
import { promisify } from 'node:util'
import { clearTimeout, setTimeout } from '../../core/time/real-timers.ts'
import { TLS_REPORT_GZIP, type TlsReport } from './types.ts'
import { writeTlsReport } from './write.ts'

const TIMEOUT_MS = 30_000

/** How a report is sent. */
interface PostOptions {
  readonly lookup: LookupFunction
  readonly roots: readonly string[]
  readonly signal: AbortSignal
  /** Limits the whole exchange. */
  readonly timeoutMs?: number
}

/**
 * Returns the host of an `https:` URI of another domain.
 * @param ports those that a report may be sent to
 * @throws Error if no report is sent there
 */
export function reportHost(uri: string, ports: readonly number[]): string {
  if (!URL.canParse(uri)) throw new Error(`${uri} is not a valid URL`)
  const { hostname, port } = new URL(uri)
  if (isIP(hostname) !== 0 || hostname.startsWith('[')) throw new Error(`${uri} has an address instead of a name`)
  // The other domain must not choose which services of this network get a request.
  if (!ports.includes(Number(port || 443))) throw new Error(`${uri} has a port other than ${ports.join(' and ')}`)
  return hostname
}

/** Sends a report by HTTPS. RFC 8460 section 5.4. @throws Error if the server does not accept it */
export async function postTlsReport(
  report: TlsReport,
  url: string,
  { lookup, roots, signal, timeoutMs = TIMEOUT_MS }: PostOptions,
): Promise<void> {
  // Loaded on demand: most labs send no reports.
  const [{ request }, { gzip }] = await Promise.all([import('node:https'), import('node:zlib')])
  const body = await promisify(gzip)(writeTlsReport(report))
  const headers = { 'Content-Type': TLS_REPORT_GZIP, 'Content-Length': body.length }
  await new Promise<void>((resolve, reject) => {
    const options = { method: 'POST', headers, lookup, signal, ca: [...roots], agent: false as const }
    const sent = request(url, options, ({ statusCode = 0 }) => {
      if (statusCode >= 200 && statusCode < 300) resolve()
      else reject(new Error(`${url} answers with HTTP status ${statusCode}`))
      // The status says all. Its text may have no end.
      sent.destroy()
    })
    const late = (): unknown => sent.destroy(new Error(`${url} does not answer within ${timeoutMs / 1000} s`))
    const timer = setTimeout(late, timeoutMs)
    sent.on('close', () => clearTimeout(timer))
    // Without this, a request whose server switches to another protocol ends with no event but `close`.
    sent.on('upgrade', (_, socket) => {
      socket.destroy()
      reject(new Error(`${url} answers with HTTP status 101`))
    })
    sent.on('error', reject).end(body)
  })
}

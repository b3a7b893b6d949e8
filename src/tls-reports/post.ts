import { request } from 'node:https'
import type { LookupFunction } from 'node:net'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { TLS_REPORT_GZIP, type TlsReport } from './types.ts'
import { writeTlsReport } from './write.ts'

const TIMEOUT_MS = 30_000

/** Sends a report by HTTPS. RFC 8460 section 5.4. @throws Error if the server does not accept it */
export async function postTlsReport(
  report: TlsReport,
  url: string,
  { lookup, roots }: { readonly lookup: LookupFunction; readonly roots: readonly string[] },
): Promise<void> {
  const body = await promisify(gzip)(writeTlsReport(report))
  const headers = { 'Content-Type': TLS_REPORT_GZIP, 'Content-Length': body.length }
  await new Promise<void>((resolve, reject) => {
    const options = { method: 'POST', headers, lookup, ca: [...roots], agent: false as const }
    const sent = request(url, options, (response) => {
      const { statusCode = 0 } = response
      response.resume()
      if (statusCode >= 200 && statusCode < 300) resolve()
      else reject(new Error(`${url} answers with HTTP status ${statusCode}`))
    })
    sent.setTimeout(TIMEOUT_MS, () => sent.destroy(new Error(`${url} does not answer within ${TIMEOUT_MS / 1000} s`)))
    sent.on('error', reject).end(body)
  })
}

import { request } from 'node:http'
import { isIPv6 } from 'node:net'
import type { Identifier } from '../identifier.ts'
import { AcmeProblem } from '../response.ts'

const TIMEOUT_MS = 10_000
const MAX_BODY_OCTETS = 64 * 1024

/** Validates an http-01 challenge. RFC 8555 section 8.3. @throws AcmeProblem `connection`, `incorrectResponse` */
export async function validateHttp(
  identifier: Identifier,
  token: string,
  keyAuthorization: string,
  { address, port }: { readonly address: string; readonly port: number },
): Promise<void> {
  const host = isIPv6(identifier.value) ? `[${identifier.value}]` : identifier.value
  const response = await get({
    address,
    port,
    host: port === 80 ? host : `${host}:${port}`,
    path: `/.well-known/acme-challenge/${token}`,
  })
  if (response.trimEnd() === keyAuthorization) return
  throw new AcmeProblem(
    'incorrectResponse',
    `http://${host}:${port} at ${address} did not answer with the key authorization`,
  )
}

interface Fetch {
  readonly address: string
  readonly port: number
  readonly host: string
  readonly path: string
}

function get({ address, port, host, path }: Fetch): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void =>
      reject(new AcmeProblem('connection', `http://${host}${path} (${address}): ${why}`))
    const options = {
      host: address,
      port,
      path,
      headers: { host, 'user-agent': 'sealpost' },
      timeout: TIMEOUT_MS,
      agent: false,
    }
    const sent = request(options, (response) => {
      if (response.statusCode !== 200) {
        response.resume()
        return fail(`status ${response.statusCode}`)
      }
      const chunks: Buffer[] = []
      let length = 0
      response.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > MAX_BODY_OCTETS) sent.destroy(new Error('the response is too long'))
        chunks.push(chunk)
      })
      // The server disconnected before its response was complete.
      response.on('error', (error) => fail(error.message))
      response.on('end', () => resolve(Buffer.concat(chunks).toString('latin1')))
    })
    sent.on('timeout', () => sent.destroy(new Error('timeout')))
    sent.on('error', (error) => fail(error.message))
    sent.end()
  })
}

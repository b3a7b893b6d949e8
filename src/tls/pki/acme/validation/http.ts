import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, isIPv6 } from 'node:net'
import { type Identifier, identifierOf } from '../identifier.ts'
import { AcmeProblem } from '../response.ts'

/** Longest silence of a server. */
const TIMEOUT_MS = 10_000
/** Longest validation, with all redirects. */
const DEADLINE_MS = 20_000
const MAX_BODY_OCTETS = 64 * 1024
const MAX_REDIRECTS = 10

interface HttpValidation {
  readonly token: string
  readonly keyAuthorization: string
  readonly port: number
  /** Other ports to which a redirect may lead, besides 80 and 443. */
  readonly redirectPorts: readonly number[]
  /**
   * Returns the address to connect to.
   * @param earlier the addresses of the servers that redirected there
   * @throws AcmeProblem if the lab may not connect there
   */
  addressOf(identifier: Identifier, earlier: readonly string[]): Promise<string>
}

/** Validates an http-01 challenge. RFC 8555 section 8.3. @throws AcmeProblem `connection`, `incorrectResponse`, `rejectedIdentifier` */
export async function validateHttp({ value }: Identifier, validation: HttpValidation): Promise<void> {
  const { token, keyAuthorization, port } = validation
  const host = isIPv6(value) ? `[${value}]` : value
  const signal = AbortSignal.timeout(DEADLINE_MS)
  let url = new URL(`http://${host}:${port}/.well-known/acme-challenge/${token}`)
  const earlier: string[] = []
  // RFC 8555 section 8.3: a server follows redirects
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    // Each hop obeys the address rules: the client chooses where a redirect leads.
    const address = await validation.addressOf(identifierOf(hostOf(url)), earlier)
    const answer = await get(url, address, signal)
    if (answer.location === undefined) {
      if (answer.body.trimEnd() === keyAuthorization) return
      throw new AcmeProblem(
        'incorrectResponse',
        `${originOf(url)} at ${address} did not answer with the key authorization`,
      )
    }
    earlier.push(address)
    url = redirectTarget(url, answer.location, [80, 443, port, ...validation.redirectPorts])
  }
  throw new AcmeProblem('connection', `http://${host}:${port} redirects more than ${MAX_REDIRECTS} times`)
}

const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '')

const portOf = ({ port, protocol }: URL): number => Number(port) || (protocol === 'https:' ? 443 : 80)

const originOf = (url: URL): string => `${url.protocol}//${url.hostname}:${portOf(url)}`

/** Returns where a redirect leads. @throws AcmeProblem `connection` if the lab does not follow it */
function redirectTarget(from: URL, location: string, ports: readonly number[]): URL {
  const refuse = (why: string): AcmeProblem =>
    new AcmeProblem('connection', `${from.href} redirects to ${location.slice(0, 500)}, ${why}`)
  if (!URL.canParse(location, from.href)) throw refuse('which is not a URL')
  const to = new URL(location, from.href)
  if (to.protocol !== 'http:' && to.protocol !== 'https:') throw refuse('which is neither http nor https')
  // Other ports can belong to services that an HTTP request harms.
  if (!ports.includes(portOf(to)))
    throw refuse(`and the lab follows redirects only to the ports ${[...new Set(ports)].join(', ')}`)
  return to
}

type Answer = { readonly body: string; readonly location?: undefined } | { readonly location: string }

function get(url: URL, address: string, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new AcmeProblem('connection', `${url.href} (${address}): ${why}`))
    const host = hostOf(url)
    const options = {
      host: address,
      port: portOf(url),
      path: `${url.pathname}${url.search}`,
      headers: { host: url.host, 'user-agent': 'sealpost' },
      timeout: TIMEOUT_MS,
      agent: false,
      signal,
      ...(isIP(host) ? {} : { servername: host }),
      // The server may not have its certificate yet: it is what the client is about to obtain.
      rejectUnauthorized: false,
    }
    const answered = (response: IncomingMessage): void => {
      const { statusCode = 0, headers } = response
      const isRedirect = [301, 302, 303, 307, 308].includes(statusCode)
      if (isRedirect && headers.location !== undefined) {
        sent.destroy()
        return resolve({ location: headers.location })
      }
      if (statusCode !== 200) {
        sent.destroy()
        return fail(`status ${statusCode}`)
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
      response.on('end', () => resolve({ body: Buffer.concat(chunks).toString('latin1') }))
    }
    const sent = url.protocol === 'https:' ? httpsRequest(options, answered) : httpRequest(options, answered)
    sent.on('timeout', () => sent.destroy(new Error('timeout')))
    sent.on('error', (error) => fail(error.message))
    // Without this, a request whose server switches to another protocol ends with no event but `close`.
    sent.on('upgrade', (_, socket) => {
      socket.destroy()
      fail('status 101')
    })
    sent.end()
  })
}

import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { mayRequest } from '../../core/network/allowed-hosts.ts'
import { isLoopbackHost, lookupFor } from '../../core/network/ip-address.ts'
import { abortAfter } from '../../core/time/abort-after.ts'
import { systemRoots } from '../../tls/pki/system-roots.ts'
import type { ApiLab } from '../lab.ts'
import { responseTo } from '../response.ts'

/** The answer to a request for a link. */
export interface LinkAnswer {
  readonly url: string
  /** The HTTP status; 0 without an answer. Undefined if the lab may not connect to the host. */
  readonly status: number | undefined
  /** Why there is no answer. */
  readonly reason?: string
}

/** Most links of a message that are requested, and how many at a time. */
const MAX_LINKS = 100
const MAX_CONCURRENT = 4
const MAX_REDIRECTS = 3
const TIMEOUT_MS = 10_000

/** The parts of a lab that requests for links need. */
type LinkLab = {
  readonly config: Pick<ApiLab['config'], 'webhooks' | 'testing'>
  readonly certificateStore: Pick<ApiLab['certificateStore'], 'rootPem'>
}

interface LinkOptions {
  /** Whether redirects are followed, at most three. */
  readonly follows?: boolean
  readonly signal?: AbortSignal
}

/** Requests the http and https links among URLs by HEAD, each once and at most 100, and returns the answers in order. */
export async function requestLinks(
  lab: LinkLab,
  urls: Iterable<string>,
  options: LinkOptions = {},
): Promise<LinkAnswer[]> {
  const wanted = [...new Set(urls)].filter((url) => /^https?:/i.test(url) && URL.canParse(url)).slice(0, MAX_LINKS)
  const answers: LinkAnswer[] = []
  for (let at = 0; at < wanted.length; at += MAX_CONCURRENT)
    answers.push(
      ...(await Promise.all(wanted.slice(at, at + MAX_CONCURRENT).map((url) => requestLink(lab, url, options)))),
    )
  return answers
}

async function requestLink(lab: LinkLab, url: string, { follows = false, signal }: LinkOptions): Promise<LinkAnswer> {
  using limit = abortAfter(TIMEOUT_MS, signal)
  try {
    let target = new URL(url)
    for (let redirects = 0; ; redirects++) {
      if (!mayRequest(target.hostname, lab.config))
        return {
          url,
          status: undefined,
          reason: `the lab connects only to loopback addresses and to hosts of \`webhooks\` and \`testing.verify.targets\`, not to ${target.hostname}`,
        }
      const { statusCode: status = 0, headers } = await head(lab, target, limit.signal)
      const isRedirect = status >= 300 && status < 400 && headers.location !== undefined
      if (!follows || !isRedirect) return { url, status }
      if (redirects === MAX_REDIRECTS) return { url, status: 0, reason: 'too many redirects' }
      const next = new URL(headers.location ?? '', target)
      // A redirect by another machine must not make the lab send a request to this machine.
      if (isLoopbackHost(next.hostname) && !isLoopbackHost(target.hostname))
        return { url, status: 0, reason: `${target.hostname} redirects to this machine` }
      target = next
      if (!/^https?:$/.test(target.protocol)) return { url, status: 0, reason: 'a redirect leads to no web page' }
    }
  } catch (error) {
    const isLate = limit.signal.reason?.name === 'TimeoutError'
    return { url, status: 0, reason: isLate ? `no answer within ${TIMEOUT_MS} ms` : (error as Error).message }
  }
}

async function head({ certificateStore }: LinkLab, url: URL, signal: AbortSignal): Promise<IncomingMessage> {
  const headers = { 'User-Agent': 'Sealpost' }
  const options = { method: 'HEAD', signal, agent: false as const, headers, ...lookupFor(url.hostname) }
  const request =
    url.protocol === 'https:'
      ? httpsRequest(url, { ...options, ca: [certificateStore.rootPem, ...systemRoots()] })
      : httpRequest(url, options)
  const response = await responseTo(request)
  response.destroy()
  return response
}

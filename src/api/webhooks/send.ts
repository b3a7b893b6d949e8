import { createHmac } from 'node:crypto'
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { lookupFor } from '../../core/network/ip-address.ts'
import { maskUrls } from '../../core/text/mask-urls.ts'
import { abortAfter } from '../../core/time/abort-after.ts'
import { systemClock } from '../../core/time/clock.ts'
import { responseTo } from '../response.ts'
import type { Delivery } from './queue.ts'

/** The result of an attempt. `retryAfterMs`: the receiver's wish; `isGone`: it wants nothing more. */
export interface Attempt {
  readonly status?: number
  /** The body of an answer without an error. */
  readonly text?: string
  readonly error?: string
  readonly retryAfterMs?: number
  readonly isGone?: boolean
}

const MAX_RETRY_AFTER_MS = 3_600_000
/** A receiver that answers with more loses its connection. Nobody reads its answer. */
const MAX_ANSWER_OCTETS = 64 * 1024

/** Returns the key in a secret of Standard Webhooks: base64, usually after `whsec_`. */
export const signingKey = (secret: string): Buffer => Buffer.from(secret.replace(/^whsec_/, ''), 'base64')

interface SendOptions {
  readonly key: Buffer
  /** Returns the roots that the certificate of an https receiver may have, in PEM. */
  readonly roots: () => readonly string[]
  readonly timeoutMs: number
}

/** Sends events to receivers, and keeps its connections to them. */
export class Sender {
  readonly #http = new HttpAgent({ keepAlive: true })
  readonly #https = new HttpsAgent({ keepAlive: true })

  /** Sends an event once. Redirects are not followed: nothing is sent to a host that the configuration does not name. */
  async send(
    { id, url, body, encoding, headers = {}, sign }: Delivery,
    { key, roots, timeoutMs }: SendOptions,
    signal: AbortSignal,
  ): Promise<Attempt> {
    const timestamp = Math.floor(systemClock.now() / 1000)
    // https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
    // https://docs.svix.com/receiving/verifying-payloads/how-manual
    const prefix = sign === 'svix' ? 'svix' : 'webhook'
    const content = Buffer.from(body, encoding ?? 'utf8')
    using limit = abortAfter(timeoutMs, signal)
    const options = {
      method: 'POST',
      signal: limit.signal,
      ...lookupFor(new URL(url).hostname),
      headers: {
        'Content-Type': 'application/json',
        'Content-Length': content.length,
        'User-Agent': 'Sealpost',
        ...headers,
        ...(sign === 'none'
          ? {}
          : {
              [`${prefix}-id`]: id,
              [`${prefix}-timestamp`]: String(timestamp),
              // Without a key, nobody could verify it.
              ...(key.length > 0 ? { [`${prefix}-signature`]: `v1,${signature}` } : {}),
            }),
      },
    }
    const open = (): ClientRequest =>
      url.startsWith('https:')
        ? httpsRequest(url, { ...options, agent: this.#https, ca: [...roots()] })
        : httpRequest(url, { ...options, agent: this.#http })
    for (;;) {
      const request = open()
      try {
        const response = await responseTo(request, content)
        const text = await bodyOf(response)
        const attempt = attemptOf(response)
        return attempt.error === undefined ? { ...attempt, text } : attempt
      } catch (error) {
        // The receiver has closed a kept connection just when it was used again. RFC 9112 section 9.3.1
        if (request.reusedSocket && !limit.signal.aborted) continue
        return {
          error: limit.signal.reason?.name === 'TimeoutError' ? `no answer within ${timeoutMs} ms` : reasonOf(error),
        }
      }
    }
  }

  /** Closes the connections. */
  close(): void {
    this.#http.destroy()
    this.#https.destroy()
  }
}

/** Reads the body of an answer, so that its connection can be used again. Resolves also if the receiver breaks it off. */
function bodyOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let octets = 0
  response.on('data', (part: Buffer) => {
    octets += part.length
    if (octets > MAX_ANSWER_OCTETS) response.destroy()
    else parts.push(part)
  })
  return new Promise((resolve) => response.once('close', () => resolve(Buffer.concat(parts).toString())))
}

function attemptOf({ statusCode: status = 0, headers }: IncomingMessage): Attempt {
  if (status >= 200 && status < 300) return { status }
  if (status >= 300 && status < 400) {
    return { status, error: `answered ${status}; redirects are not followed, so name the final URL` }
  }
  const seconds = Number(headers['retry-after'] ?? Number.NaN)
  return {
    status,
    error: `answered ${status}`,
    ...(seconds >= 0 ? { retryAfterMs: Math.min(seconds * 1000, MAX_RETRY_AFTER_MS) } : {}),
    isGone: status === 410,
  }
}

/** The errors of OpenSSL for a chain that does not end at a trusted root. */
const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

function reasonOf(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException
  const text = maskUrls(message)
  if (!UNTRUSTED.has(code)) return text
  return `the certificate is not trusted (${text}); name its root with authority: FILE`
}

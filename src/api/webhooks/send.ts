import { createHmac } from 'node:crypto'
import { abortAfter } from '../../common/abort-after.ts'
import { maskUrls } from '../../common/mask-urls.ts'
import type { Delivery } from './queue.ts'

/** The result of an attempt. `retryAfterMs`: the receiver's wish; `isGone`: it wants nothing more. */
export interface Attempt {
  readonly status?: number
  readonly error?: string
  readonly retryAfterMs?: number
  readonly isGone?: boolean
}

const MAX_RETRY_AFTER_MS = 3_600_000

/** Returns the key in a secret of Standard Webhooks: base64, usually after `whsec_`. */
export const keyOf = (secret: string): Buffer => Buffer.from(secret.replace(/^whsec_/, ''), 'base64')

/** Sends an event once. Redirects are not followed: nothing is sent to a host that the configuration does not name. */
export async function send(
  { id, url, body }: Delivery,
  key: Buffer,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Attempt> {
  const timestamp = Math.floor(Date.now() / 1000)
  // https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  using limit = abortAfter(timeoutMs, signal)
  try {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      body,
      signal: limit.signal,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'Sealpost',
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': `v1,${signature}`,
      },
    })
    await response.body?.cancel()
    return answered(response)
  } catch (error) {
    return { error: reasonOf(error as Error, timeoutMs) }
  }
}

function answered({ ok, status, headers }: Response): Attempt {
  if (ok) return { status }
  if (status >= 300 && status < 400) {
    return { status, error: `answered ${status}; redirects are not followed, so name the final URL` }
  }
  const seconds = Number(headers.get('retry-after') ?? Number.NaN)
  return {
    status,
    error: `answered ${status}`,
    ...(seconds >= 0 ? { retryAfterMs: Math.min(seconds * 1000, MAX_RETRY_AFTER_MS) } : {}),
    isGone: status === 410,
  }
}

function reasonOf(error: Error, timeoutMs: number): string {
  if (error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`
  return maskUrls(error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message)
}

import type { Account } from '../types.ts'
import type { SaslExchange } from './types.ts'

/** How an authentication ended. */
export type SaslOutcome =
  | { readonly kind: 'success'; readonly account: Account; readonly data?: Buffer }
  | { readonly kind: 'failure'; readonly reason: string }
  /** The client sent `*`. */
  | { readonly kind: 'cancelled' }
  /** A response that is not base64. */
  | { readonly kind: 'malformed' }

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** A client's response line: octets, or the client's `*`, or something that is not base64. RFC 4422 section 3; RFC 4648 section 4. */
export function decodeResponse(line: string): Buffer | 'cancelled' | 'malformed' {
  if (line === '*') return 'cancelled'
  return BASE64.test(line) ? Buffer.from(line, 'base64') : 'malformed'
}

export interface ConverseOptions {
  /** The argument of the command, if it had one: base64, or `=` for an empty one. RFC 4954, 5034, 4959, 4643. */
  readonly initial?: string | undefined
  /** Sends a challenge (base64) in the protocol's manner and gives the client's next line. */
  readonly ask: (challenge: string) => Promise<string>
  /** The protocol's success reply can carry data (NNTP's 283). Elsewhere it goes as a last challenge. */
  readonly successData?: boolean
}

/** Leads an exchange to its end, the same way for every protocol. */
export async function converse(exchange: SaslExchange, options: ConverseOptions): Promise<SaslOutcome> {
  const { initial, ask } = options
  let response = initial === undefined ? undefined : decodeResponse(initial === '=' ? '' : initial)
  for (;;) {
    if (response === 'cancelled' || response === 'malformed') return { kind: response }
    const step = exchange.next(response)
    if (step.kind === 'challenge') {
      response = decodeResponse(await ask(step.data.toString('base64')))
      continue
    }
    if (step.kind === 'success' && step.data !== undefined && !options.successData) {
      const last = decodeResponse(await ask(step.data.toString('base64')))
      if (!Buffer.isBuffer(last)) return { kind: last }
      return last.length === 0 ? step : { kind: 'failure', reason: 'data behind the last message' }
    }
    return step
  }
}

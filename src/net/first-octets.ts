import { PROXY_LINE_START, PROXY_SIGNATURE, UNEXPECTED_PROXY_HEADER } from '../core/network/proxy-header.ts'
import type { Input } from './input.ts'

/** The beginning of a handshake record. RFC 8446 section 5.1. */
const TLS_RECORD = Buffer.of(22, 3)
const TLS_ON_CLEAR_PORT =
  'the client started TLS on the clear-text port: use STARTTLS there, or connect to the TLS port'
/** How connections begin that cannot continue, and why. */
const unexpected: readonly (readonly [Buffer, string])[] = [
  [TLS_RECORD, TLS_ON_CLEAR_PORT],
  [PROXY_LINE_START, UNEXPECTED_PROXY_HEADER],
  [PROXY_SIGNATURE, UNEXPECTED_PROXY_HEADER],
]

/** Returns why a clear-text connection that begins with these octets cannot continue; undefined if it can. */
export const unexpectedStart = (input: Input): string | undefined =>
  unexpected.find(([start]) => input.startsWith(start))?.[1]

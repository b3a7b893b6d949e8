import { ApiProblem, type ProblemName } from '../../src/api/problem.ts'
import { isProxyHeader, UNEXPECTED_PROXY_HEADER } from '../../src/core/network/proxy-header.ts'

type Refusal = readonly [ProblemName, string]

/** The beginning of a handshake record. RFC 8446 section 5.1. */
const TLS_RECORD = Buffer.of(22, 3)

/** The errors of Node.js's parser, and their answers. RFC 9110 section 15.5.9, RFC 6585 section 5. */
const refusals: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: ['header-too-large', 'the header of a request has at most 32 KiB'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['too-large', 'the chunk extensions of a body have at most 16 KiB'],
  ERR_HTTP_REQUEST_TIMEOUT: ['too-slow', 'the request took too long; send it as a whole'],
}

interface ParserError extends Error {
  readonly code?: string | undefined
  readonly reason?: string
  /** The octets that the parser did not understand, and those after them. */
  readonly rawPacket?: Buffer
}

/** Returns the problem of octets that are not a request of HTTP/1.1. */
export function malformedProblem(error: ParserError): ApiProblem {
  if (error.rawPacket?.subarray(0, TLS_RECORD.length).equals(TLS_RECORD)) {
    return new ApiProblem('bad-request', 'the client started TLS on the clear-text port: use https with the TLS port')
  }
  if (error.rawPacket && isProxyHeader(error.rawPacket)) return new ApiProblem('bad-request', UNEXPECTED_PROXY_HEADER)
  const [name, detail] = refusals[error.code ?? ''] ?? [
    'bad-request',
    `the request is not HTTP/1.1: ${error.reason ?? error.message}`,
  ]
  return new ApiProblem(name, detail)
}

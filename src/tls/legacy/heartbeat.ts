import { uint16 } from '../negotiation/octets.ts'

/** The content type of heartbeat records. RFC 6520 section 2. */
export const HEARTBEAT_RECORD = 24
const REQUEST = 1
const RESPONSE = 2
const HEADER_OCTETS = 3
const PADDING_OCTETS = 16
const FILLER = 'heartbleed: this is filler, not memory. '

/**
 * Returns the response to a heartbeat request of a server with the Heartbleed defect; undefined for another message. It is
 * as long as the request claims, however short the request is. Octets that the request does not have are filler.
 */
export function overreadHeartbeat(request: Buffer): Buffer | undefined {
  if (request.length < HEADER_OCTETS || request[0] !== REQUEST) return undefined
  const claimed = request.readUInt16BE(1)
  const payload = request.subarray(HEADER_OCTETS, HEADER_OCTETS + claimed)
  const filler = Buffer.alloc(claimed - payload.length, FILLER, 'latin1')
  return Buffer.concat([Buffer.of(RESPONSE), uint16(claimed), payload, filler, Buffer.alloc(PADDING_OCTETS)])
}

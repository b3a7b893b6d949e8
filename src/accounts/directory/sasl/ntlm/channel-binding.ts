import { createHash } from 'node:crypto'
import type { ChannelBindings } from '../../../../tls/negotiation/binding-types.ts'
import { isSameSecret } from '../../secrets.ts'

/** The only type that clients of NTLM use. RFC 5929 section 4. */
const TYPE = 'tls-server-end-point'
/** gss_channel_bindings_struct up to the application data: two addresses without type and value. RFC 2744 section 3.11. */
const NO_ADDRESSES = Buffer.alloc(16)

/** Returns MD5_HASH of the channel bindings. MS-NLMP section 3.1.5.1.2, RFC 4121 section 4.1.1.2. */
function hashOfBinding(value: Buffer): Buffer {
  const data = Buffer.concat([Buffer.from(`${TYPE}:`, 'latin1'), value])
  const length = Buffer.alloc(4)
  length.writeUInt32LE(data.length)
  return createHash('md5').update(NO_ADDRESSES).update(length).update(data).digest()
}

/**
 * Returns whether a client binds its log-on to a channel. One that does not sends zeros or nothing. MS-NLMP section 2.2.2.1.
 * @param bound MsvAvChannelBindings
 */
export const isBound = (bound: Buffer | undefined): bound is Buffer => bound?.some((octet) => octet !== 0) ?? false

/**
 * Returns whether a client has seen the certificate that the server has sent. Also returns true if the client does not bind its
 * log-on, or if the server has nothing to compare: in clear text, or where TLS ends at a proxy. MS-NLMP section 3.2.5.1.2.
 */
export function isRightChannel(bound: Buffer | undefined, bindings: ChannelBindings | undefined): boolean {
  if (!isBound(bound)) return true
  const value = bindings?.get(TYPE)?.()
  return value === undefined || isSameSecret(hashOfBinding(value), bound)
}

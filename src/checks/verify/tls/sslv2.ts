import { randomBytes } from 'node:crypto'
import { uint16 } from '../../../tls/negotiation/octets.ts'
import { VerifyError } from '../types.ts'
import type { Wire } from '../wire.ts'

/** CIPHER-KINDs of SSL 2.0, three octets each: RC4, RC2, IDEA, DES and 3DES, of full and export strength. */
const cipherKinds = ['010080', '020080', '030080', '040080', '050080', '060040', '0700c0']

const CLIENT_HELLO = 1
const SERVER_HELLO = 4
const VERSION = 0x0002

/** Offers only SSL 2.0, and closes the wire. The protocol is forbidden by RFC 6176. draft-hickman-netscape-ssl-00 section 5.2 */
export async function acceptsSslv2(wire: Wire): Promise<boolean> {
  const kinds = Buffer.from(cipherKinds.join(''), 'hex')
  const challenge = randomBytes(16)
  const body = Buffer.concat([
    Buffer.from([CLIENT_HELLO]),
    ...[VERSION, kinds.length, 0, challenge.length].map(uint16),
    kinds,
    challenge,
  ])
  // A record of two octets of length, without padding.
  wire.write(Buffer.concat([uint16(0x8000 | body.length), body]))
  try {
    let answer = await wire.octets()
    while (answer.length < 7) answer = Buffer.concat([answer, await wire.octets()])
    const isSslv2 = ((answer[0] as number) & 0x80) !== 0 && answer[2] === SERVER_HELLO
    return isSslv2 && answer.readUInt16BE(5) === VERSION
  } catch (error) {
    if (error instanceof VerifyError) return false
    throw error
  } finally {
    wire.close()
  }
}

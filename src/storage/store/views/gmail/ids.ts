import { createHash } from 'node:crypto'

/** Returns the number that X-GM-MSGID and X-GM-THRID show for an id: 63 bits of its hash, in decimal. */
export function gmailId(id: string): string {
  const octets = createHash('sha256').update(id, 'latin1').digest()
  return (octets.readBigUInt64BE() >> 1n).toString()
}

import { randomBytes } from 'node:crypto'

const OCTETS = 12
/** To ask for random octets costs far more than the octets: they come for many greetings at once. */
let pool = Buffer.alloc(0)
let at = 0

/** The timestamp of a greeting: no two are the same, and nobody foretells the next. RFC 1939 section 7, APOP. */
export function timestamp(hostname: string): string {
  if (at + OCTETS > pool.length) {
    pool = randomBytes(OCTETS * 100)
    at = 0
  }
  at += OCTETS
  return `<${pool.toString('hex', at - OCTETS, at)}@${hostname}>`
}

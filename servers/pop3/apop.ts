import { createHash, randomBytes } from 'node:crypto'
import { provenSecret } from '../../src/accounts/directory/logon-refusal.ts'
import { prepareSecret } from '../../src/accounts/directory/saslprep/saslprep.ts'
import { isSameSecret } from '../../src/accounts/directory/secrets.ts'
import type { Secret } from '../../src/accounts/directory/types.ts'

const TIMESTAMP_OCTETS = 12
const TIMESTAMPS_PER_POOL = 100
/** Random octets for the next timestamps: one large request costs far less than a request per greeting. */
let pool = Buffer.alloc(0)
let used = 0

/** Creates the timestamp of a greeting, which must be unique and unpredictable. RFC 1939 section 7, APOP. */
export function createTimestamp(hostname: string): string {
  if (used + TIMESTAMP_OCTETS > pool.length) {
    pool = randomBytes(TIMESTAMP_OCTETS * TIMESTAMPS_PER_POOL)
    used = 0
  }
  used += TIMESTAMP_OCTETS
  return `<${pool.toString('hex', used - TIMESTAMP_OCTETS, used)}@${hostname}>`
}

/**
 * Returns the password that a digest proves. Computes a digest for an unknown account too, so that the time it takes does
 * not reveal which accounts exist.
 */
export const secretInDigest = (digest: string, timestamp: string, secrets: readonly Secret[]): Secret | undefined =>
  provenSecret(secrets, (password) => {
    const expected = createHash('md5')
      .update(timestamp + prepareSecret(password)) // RFC 6856 section 2.2
      .digest('hex')
    return isSameSecret(expected, digest.toLowerCase())
  })

import { createHash } from 'node:crypto'
import type { Identifier } from '../identifier.ts'
import { AcmeProblem } from '../response.ts'
import type { TxtLookup } from './txt-records.ts'

/**
 * Validates a dns-01 challenge, or with a label of the account a dns-account-01 challenge.
 * RFC 8555 section 8.4, draft-ietf-acme-dns-account-label-03 section 3. @throws AcmeProblem `dns`, `incorrectResponse`
 */
export async function validateDns(
  { value }: Identifier,
  keyAuthorization: string,
  lookup: TxtLookup,
  accountLabel?: string,
): Promise<void> {
  const name = [...(accountLabel === undefined ? [] : [accountLabel]), '_acme-challenge', value].join('.')
  const found = await readTexts(name, lookup)
  const expected = createHash('sha256').update(keyAuthorization).digest('base64url')
  if (found.includes(expected)) return
  const list = found.length === 0 ? 'has no TXT record' : `has other TXT records: ${found.join(', ').slice(0, 500)}`
  throw new AcmeProblem('incorrectResponse', `${name} ${list}; expected ${expected}`)
}

/** Returns the label of an account: its URL as the first 80 bits of a hash. draft-ietf-acme-dns-account-label-03 section 3. */
export function accountLabel(accountUrl: string): string {
  const digits = 'abcdefghijklmnopqrstuvwxyz234567'
  const hash = BigInt(`0x${createHash('sha256').update(accountUrl).digest('hex').slice(0, 20)}`)
  const base32 = Array.from({ length: 16 }, (_, at) => digits[Number((hash >> BigInt(75 - 5 * at)) & 31n)])
  return `_${base32.join('')}`
}

/** Returns the TXT records of a name. @throws AcmeProblem `dns` */
export function readTexts(name: string, lookup: TxtLookup): Promise<readonly string[]> {
  return lookup(name).catch((error: Error) => {
    throw new AcmeProblem('dns', `the TXT records of ${name} cannot be read: ${error.message}`)
  })
}

import { createHash } from 'node:crypto'
import type { Identifier } from '../identifier.ts'
import { AcmeProblem } from '../response.ts'
import type { TxtLookup } from './txt-records.ts'

/** Validates a dns-01 challenge. RFC 8555 section 8.4. @throws AcmeProblem `dns`, `incorrectResponse` */
export async function validateDns({ value }: Identifier, keyAuthorization: string, lookup: TxtLookup): Promise<void> {
  const name = `_acme-challenge.${value}`
  const found = await lookup(name).catch((error: Error) => {
    throw new AcmeProblem('dns', `the TXT records of ${name} cannot be read: ${error.message}`)
  })
  const expected = createHash('sha256').update(keyAuthorization).digest('base64url')
  if (found.includes(expected)) return
  const list = found.length === 0 ? 'has no TXT record' : `has other TXT records: ${found.join(', ').slice(0, 500)}`
  throw new AcmeProblem('incorrectResponse', `${name} ${list}; expected ${expected}`)
}

import { verify, type X509Certificate } from 'node:crypto'
import { certificateFields } from '../certificate/certificate.ts'
import { type DistinguishedName, readName } from '../certificate/names.ts'
import { plainSerial } from '../certificate-store/index-file.ts'
import { type Asn1, item, items, oidOf, readAsn1, timeOf } from '../der/decode.ts'
import { tags } from '../der/encode.ts'
import { PkiError } from '../errors.ts'
import { hashOfSignature } from '../keys.ts'

/** A parsed certificate revocation list. */
export interface ReadCrl {
  readonly issuer: DistinguishedName
  readonly thisUpdate: Date
  /** When the next list is due; absent if the authority does not say. */
  readonly nextUpdate?: Date
  /** Returns whether an authority signed it. */
  isFrom(authority: X509Certificate): boolean
  /** Returns whether it has the name of the authority that issued a certificate. */
  isNamed(certificate: X509Certificate): boolean
  /** Returns whether it lists a certificate of its authority. */
  lists(certificate: X509Certificate): boolean
}

/** Parses a certificate revocation list in DER. RFC 5280 section 5.1. @throws PkiError `malformed` */
export function readCrl(der: Buffer): ReadCrl {
  const whole = readAsn1(der)
  const [list, algorithm, signature] = [item(whole, 0), item(whole, 1), item(whole, 2)]
  const hasVersion = item(list, 0).tag === tags.integer
  const [, issuer, thisUpdate, ...rest] = items(list).slice(hasVersion ? 1 : 0)
  if (!issuer || !thisUpdate || !isTime(thisUpdate))
    throw new PkiError('malformed', 'not a certificate revocation list')
  const nextUpdate = rest.find(isTime)
  const revoked = rest.find(({ tag }) => tag === tags.sequence)
  // Those of public authorities have more entries than other structures have values.
  const entries = revoked ? items(revoked, Number.POSITIVE_INFINITY) : []
  const serials = new Set(entries.map((entry) => plainSerial(item(entry, 0).content.toString('hex'))))
  return {
    issuer: readName(issuer),
    thisUpdate: timeOf(thisUpdate),
    ...(nextUpdate ? { nextUpdate: timeOf(nextUpdate) } : {}),
    isFrom: (authority) =>
      certificateFields(authority.raw).subject.equals(issuer.raw) &&
      verify(hashOfSignature(oidOf(item(algorithm, 0))), list.raw, authority.publicKey, signature.content.subarray(1)),
    isNamed: ({ raw }) => certificateFields(raw).issuer.equals(issuer.raw),
    lists: ({ serialNumber }) => serials.has(plainSerial(serialNumber)),
  }
}

const isTime = ({ tag }: Asn1): boolean => tag === tags.utcTime || tag === tags.generalizedTime

import type { X509Certificate } from 'node:crypto'
import { certificateFields } from '../certificate/certificate.ts'
import { type DistinguishedName, readName } from '../certificate/names.ts'
import { isSignedBy } from '../certificate/signed.ts'
import { plainSerial } from '../certificate-store/index-file.ts'
import { type Asn1, decodeTime, item, items, octetStringValue, oidOf, readAsn1, taggedItem } from '../der/decode.ts'
import { tags } from '../der/encode.ts'
import { extensionIds } from '../der/oids.ts'
import { PkiError } from '../errors.ts'

/** A parsed certificate revocation list. */
export interface ReadCrl {
  readonly issuer: DistinguishedName
  /** Identifies the key that signed it: the name of the authority in DER, and the identifier of the key if it has one. */
  readonly signer: string
  /** Absent in lists of version 1. RFC 5280 section 5.2.3 */
  readonly number?: bigint
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
  const list = item(whole, 0)
  const hasVersion = item(list, 0).tag === tags.integer
  const [, issuer, thisUpdate, ...rest] = items(list).slice(hasVersion ? 1 : 0)
  if (!issuer || !thisUpdate || !isTime(thisUpdate))
    throw new PkiError('malformed', 'not a certificate revocation list')
  const nextUpdate = rest.find(isTime)
  const revoked = rest.find(({ tag }) => tag === tags.sequence)
  // Public authorities' lists have more entries than other structures have values.
  const entries = revoked ? items(revoked, Number.POSITIVE_INFINITY) : []
  const serials = new Set(entries.map((entry) => plainSerial(item(entry, 0).content.toString('hex'))))
  const extensions = extensionsOf(taggedItem(rest, 0))
  const keyIdentifier = extensions.get(extensionIds.authorityKeyIdentifier)
  const key = keyIdentifier && taggedItem(items(keyIdentifier), 0)
  const number = extensions.get(extensionIds.crlNumber)
  return {
    issuer: readName(issuer),
    signer: `${issuer.raw.toString('base64')} ${key?.content.toString('base64') ?? ''}`,
    ...(number ? { number: BigInt(`0x${number.content.toString('hex') || '0'}`) } : {}),
    thisUpdate: decodeTime(thisUpdate),
    ...(nextUpdate ? { nextUpdate: decodeTime(nextUpdate) } : {}),
    isFrom: (authority) =>
      certificateFields(authority.raw).subject.equals(issuer.raw) && isSignedBy(whole, authority.publicKey),
    isNamed: ({ raw }) => certificateFields(raw).issuer.equals(issuer.raw),
    lists: ({ serialNumber }) => serials.has(plainSerial(serialNumber)),
  }
}

function extensionsOf(list: Asn1 | undefined): Map<string, Asn1> {
  const all = list ? items(item(list, 0)) : []
  return new Map(all.map((one) => [oidOf(item(one, 0)), readAsn1(octetStringValue(items(one).at(-1) ?? one))]))
}

const isTime = ({ tag }: Asn1): boolean => tag === tags.utcTime || tag === tags.generalizedTime

import type { X509Certificate } from 'node:crypto'
import { extensionValues } from '../../pki/certificate/certificate.ts'
import { type Asn1, item, items, readAsn1, tagged, timeOf } from '../../pki/der/decode.ts'
import { extensionIds } from '../../pki/der/oids.ts'
import { isSignedBy } from './signed.ts'

/** What a revocation list says of a certificate. */
export interface CrlFacts {
  readonly revoked: boolean
  readonly nextUpdate: Date | undefined
  readonly signed: boolean
}

const SEQUENCE = 0x30
const isTime = ({ tag }: Asn1): boolean => tag === 0x17 || tag === 0x18

/** The http addresses of a certificate's revocation lists. RFC 5280 section 4.2.1.13. */
export function crlAddresses(certificate: X509Certificate): string[] {
  const value = extensionValues(certificate).get(extensionIds.crlDistributionPoints)
  return (value ? items(value) : []).flatMap((point) => {
    const name = tagged(items(point), 0)
    const full = name && tagged(items(name), 0)
    return (full ? items(full) : [])
      .map(({ content }) => content.toString('latin1'))
      .filter((url) => /^http:/i.test(url))
  })
}

/** Looks a certificate up in a list. RFC 5280 section 5.1. @throws PkiError for one that is broken */
export function readCrl(octets: Buffer, leaf: X509Certificate, issuer: X509Certificate): CrlFacts {
  const text = octets.toString('latin1')
  const pem = /-----BEGIN X509 CRL-----([^-]+)-----END/.exec(text)?.[1]
  const list = readAsn1(pem ? Buffer.from(pem, 'base64') : octets)
  const fields = items(item(list, 0))
  const times = fields.filter(isTime)
  const lastTime = fields.findLastIndex(isTime)
  const entries = fields[lastTime + 1]
  const serial = BigInt(`0x${leaf.serialNumber}`)
  const isOurs = (entry: Asn1): boolean => BigInt(`0x${item(entry, 0).content.toString('hex') || '0'}`) === serial
  return {
    revoked: entries?.tag === SEQUENCE && items(entries).some(isOurs),
    nextUpdate: times[1] ? timeOf(times[1]) : undefined,
    signed: isSignedBy(list, issuer.publicKey),
  }
}

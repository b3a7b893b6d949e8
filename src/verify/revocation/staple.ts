import { X509Certificate } from 'node:crypto'
import { readFacts } from '../../pki/certificate/certificate.ts'
import { type Asn1, item, items, numberOf, octetsOf, readAsn1, tagged, timeOf } from '../../pki/der/decode.ts'
import { issued } from '../tls/trust.ts'
import { isSignedBy } from './signed.ts'

/** What an OCSP response says of a certificate. */
export interface StapleFacts {
  readonly status: 'good' | 'revoked' | 'unknown'
  readonly thisUpdate: Date
  readonly nextUpdate: Date | undefined
  /** By the issuer, or by a responder that it names. */
  readonly signed: boolean
}

const statuses = ['good', 'revoked', 'unknown'] as const
const GENERALIZED_TIME = 0x18
const SEQUENCE = 0x30

/**
 * Reads an OCSP response about a certificate. RFC 6960 section 4.2.1.
 * @returns undefined where it is about another certificate, or says only that it could not be made
 * @throws PkiError for one that is broken
 */
export function readStaple(der: Buffer, leaf: X509Certificate, issuer: X509Certificate): StapleFacts | undefined {
  const response = readAsn1(der)
  if (numberOf(item(response, 0)) !== 0) return undefined
  const basic = readAsn1(octetsOf(item(item(item(response, 1), 0), 1)))
  const list = items(item(basic, 0)).find(({ tag }) => tag === SEQUENCE)
  const serial = BigInt(`0x${leaf.serialNumber}`)
  const single = (list ? items(list) : []).find((one) => serialOf(one) === serial)
  if (!single) return undefined
  const parts = items(single)
  const next = tagged(parts.slice(2), 0)
  const thisUpdate = parts.find(({ tag }) => tag === GENERALIZED_TIME)
  return {
    status: statuses[(parts[1]?.tag ?? 2) & 0x1f] ?? 'unknown',
    thisUpdate: thisUpdate ? timeOf(thisUpdate) : new Date(0),
    nextUpdate: next ? timeOf(item(next, 0)) : undefined,
    signed: isSignedBy(basic, issuer.publicKey) || isSignedByResponder(basic, issuer),
  }
}

const serialOf = (single: Asn1): bigint => BigInt(`0x${item(item(single, 0), 3).content.toString('hex') || '0'}`)

/** A responder's certificate comes along, and is the issuer's own for this purpose. RFC 6960 section 4.2.2.2. */
function isSignedByResponder(basic: Asn1, issuer: X509Certificate): boolean {
  const sent = tagged(items(basic).slice(3), 0)
  return (sent ? items(item(sent, 0)) : []).some(({ raw }) => {
    const responder = new X509Certificate(raw)
    return (
      issued(responder, issuer) &&
      readFacts(responder).purposes.includes('OCSPSigning') &&
      isSignedBy(basic, responder.publicKey)
    )
  })
}

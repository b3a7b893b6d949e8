import type { X509Certificate } from 'node:crypto'
import { extensionIds, type KeyUsage, keyUsageBits, nameIn, purposeIds } from '../asn1/oids.ts'
import { type Asn1, bitsOf, item, items, numberOf, octetsOf, oidOf, readAsn1 } from '../asn1/reader.ts'
import { describeKey } from '../keys.ts'
import { certificateFields, thumbprintOf } from './certificate.ts'
import { type GeneralName, readGeneralName } from './general-names.ts'
import { type DistinguishedName, readName } from './name.ts'

/** What a certificate says, read once. */
export interface CertificateFacts {
  readonly subject: DistinguishedName
  readonly issuer: DistinguishedName
  readonly serial: string
  readonly thumbprint: string
  readonly notBefore: Date
  readonly notAfter: Date
  readonly names: readonly GeneralName[]
  /** Extended key usages by their names, unknown ones as identifiers; empty: for any purpose. */
  readonly purposes: readonly string[]
  readonly keyUsages: readonly KeyUsage[]
  readonly authority: boolean
  readonly pathLength?: number
  /** `RSA 2048`, `P-256`. */
  readonly key: string
  readonly keyBits: number
  readonly keyFamily: 'rsa' | 'ec' | 'ed'
  readonly selfIssued: boolean
}

/** The extension values of a certificate by identifier. */
export function extensionValues(certificate: X509Certificate): Map<string, Asn1> {
  const { extensions } = certificateFields(certificate.raw)
  return new Map(extensions.map((one) => [oidOf(item(one, 0)), readAsn1(octetsOf(items(one).at(-1) ?? one))]))
}

export function readFacts(certificate: X509Certificate): CertificateFacts {
  const fields = certificateFields(certificate.raw)
  const values = extensionValues(certificate)
  const list = (id: string): Asn1[] =>
    items(values.get(id) ?? { tag: 0, content: Buffer.alloc(0), raw: Buffer.alloc(0) })
  const [authority, pathLength] = list(extensionIds.basicConstraints)
  const usage = values.get(extensionIds.keyUsage)
  const key = describeKey(certificate.publicKey)
  const usageNames = Object.keys(keyUsageBits) as KeyUsage[]
  return {
    subject: readName(fields.subject),
    issuer: readName(fields.issuer),
    serial: certificate.serialNumber,
    thumbprint: thumbprintOf(certificate),
    notBefore: new Date(certificate.validFrom),
    notAfter: new Date(certificate.validTo),
    names: list(extensionIds.subjectAltName).map(readGeneralName),
    purposes: list(extensionIds.extKeyUsage).map((id) => nameIn(purposeIds, oidOf(id)) ?? oidOf(id)),
    keyUsages: usage ? bitsOf(usage).flatMap((bit) => usageNames[bit] ?? []) : [],
    authority: authority?.tag === 0x01 && authority.content[0] !== 0,
    ...(pathLength ? { pathLength: numberOf(pathLength) } : {}),
    key: key.title,
    keyBits: key.bits,
    keyFamily: key.family,
    selfIssued: fields.subject.equals(fields.issuer),
  }
}

const purposeTitles: Record<string, string> = {
  serverAuth: 'Server Authentication',
  clientAuth: 'Client Authentication',
  codeSigning: 'Code Signing',
  emailProtection: 'Secure E-mail',
  timeStamping: 'Time Stamping',
  OCSPSigning: 'OCSP Signing',
}

/** The intended purposes, in the words of the Windows certificate dialog. */
export const purposesText = ({ purposes, authority }: CertificateFacts): string[] =>
  purposes.length > 0 ? purposes.map((one) => purposeTitles[one] ?? one) : [authority ? 'Certificate Authority' : 'All']

import { createHash, type KeyObject, type X509Certificate } from 'node:crypto'
import { certificateFields } from '../certificate/certificate.ts'
import { context, integer, octetString, oid, sequence, setOf, time } from '../der/encode.ts'
import { hashIds } from '../der/oids.ts'
import { fittingHash, sign, signatureAlgorithm } from '../keys.ts'
import { dataType, signedDataType } from './certificate-files.ts'

/** Attributes of a signature. RFC 5652 section 11. */
const attributeIds = {
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
} as const

/** The signer's key and certificates. */
interface ContentSigner {
  readonly key: KeyObject
  /** The certificate of the key first, then its issuers. */
  readonly chain: readonly [X509Certificate, ...X509Certificate[]]
}

/** Returns the DER of a CMS SignedData that contains `content` and the certificates of its signer. RFC 5652 section 5. */
export function writeSignedData(content: Buffer, { key, chain }: ContentSigner, nowMs: number): Buffer {
  const [certificate] = chain
  // Verifiers take the hash of the content for the signature, too.
  const hash = fittingHash(key)
  const algorithm = sequence(oid(hashIds[hash]))
  const digest = createHash(hash).update(content).digest()
  const attributes = setOf(
    attribute(attributeIds.contentType, oid(dataType)),
    attribute(attributeIds.signingTime, time(new Date(nowMs))),
    attribute(attributeIds.messageDigest, octetString(digest)),
  )
  const { issuer, serial } = certificateFields(certificate.raw)
  const signerInfo = sequence(
    integer(1),
    sequence(issuer, serial.raw),
    algorithm,
    // The signature covers a SET OF; here its tag is [0]. RFC 5652 section 5.4.
    Buffer.concat([Buffer.from([0xa0]), attributes.subarray(1)]),
    signatureAlgorithm({ key }),
    octetString(sign(attributes, { key })),
  )
  const signedData = sequence(
    integer(1),
    setOf(algorithm),
    sequence(oid(dataType), context(0, octetString(content))),
    context(0, ...chain.map(({ raw }) => raw)),
    setOf(signerInfo),
  )
  return sequence(oid(signedDataType), context(0, signedData))
}

const attribute = (id: string, value: Buffer): Buffer => sequence(oid(id), setOf(value))

import { createHash, type KeyObject, type X509Certificate } from 'node:crypto'
import { bmpString, context, contextPrimitive, integer, octetString, oid, sequence, setOf } from '../asn1/der.ts'
import { dataType } from '../pkcs7.ts'
import { bagIds, encryptedDataType, friendlyNameId, localKeyId, x509Type } from './bags.ts'
import { encrypt } from './encryption.ts'
import { createMac } from './mac.ts'

export interface KeyStoreFile {
  readonly friendlyName: string
  readonly key: KeyObject
  /** The key's certificate first, then its issuers. */
  readonly certificates: readonly [X509Certificate, ...X509Certificate[]]
  readonly password: string
  /** In a form that Windows XP reads. */
  readonly legacy?: boolean
}

const data = (content: Buffer): Buffer => sequence(oid(dataType), context(0, octetString(content)))

const bag = (id: string, value: Buffer, attributes: readonly Buffer[]): Buffer =>
  sequence(oid(id), context(0, value), ...(attributes.length > 0 ? [setOf(...attributes)] : []))

const certificateBag = (certificate: X509Certificate, attributes: readonly Buffer[]): Buffer =>
  bag(bagIds.certificate, sequence(oid(x509Type), context(0, octetString(certificate.raw))), attributes)

/** Makes a PKCS#12 file (`.pfx`, `.p12`). RFC 7292. */
export function writePkcs12({ friendlyName, key, certificates, password, legacy = false }: KeyStoreFile): Buffer {
  const [leaf, ...chain] = certificates
  // Both attributes tie the key to its certificate: Windows goes by the identifier, Java shows the name.
  const attributes = [
    sequence(oid(friendlyNameId), setOf(bmpString(friendlyName))),
    sequence(oid(localKeyId), setOf(octetString(createHash('sha1').update(leaf.raw).digest()))),
  ]
  const shrouded = encrypt(key.export({ type: 'pkcs8', format: 'der' }), password, legacy)
  const keys = sequence(
    bag(bagIds.shroudedKey, sequence(shrouded.algorithm, octetString(shrouded.content)), attributes),
  )
  const open = sequence(certificateBag(leaf, attributes), ...chain.map((one) => certificateBag(one, [])))
  const closed = encrypt(open, password, legacy)
  const encryptedContent = sequence(oid(dataType), closed.algorithm, contextPrimitive(0, closed.content))
  const safe = sequence(
    sequence(oid(encryptedDataType), context(0, sequence(integer(0), encryptedContent))),
    data(keys),
  )
  return sequence(integer(3), data(safe), createMac(safe, password, legacy))
}

import { type Asn1, item, items, octetStringValue, taggedItem } from '../../../tls/pki/der/decode.ts'
import { tags } from '../../../tls/pki/der/encode.ts'
import { PkiError } from '../../../tls/pki/errors.ts'
import { type Algorithm, type CertificateReference, readAlgorithm, readReference } from './content.ts'

/** A recipient, and the key of the content as encrypted for them. */
export interface RecipientInfo {
  readonly recipient: CertificateReference
  readonly algorithm: Algorithm
  readonly encryptedKey: Buffer
  /** The sender's part of a key agreement; absent for key transport. */
  readonly agreement?: {
    /** The octets of the ephemeral public key. */
    readonly publicKey: Buffer
    readonly userKeyingMaterial: Buffer | undefined
  }
}

/** An EnvelopedData or AuthEnvelopedData. */
export interface EnvelopedData {
  readonly recipients: readonly RecipientInfo[]
  readonly algorithm: Algorithm
  readonly content: Buffer
  /** Attributes that are authenticated besides the content. RFC 5083 section 2.2. */
  readonly authenticated: Buffer
  /** The tag of AES-GCM. */
  readonly tag: Buffer | undefined
}

/** Most recipients that are read. */
const MAX_RECIPIENTS = 1_000

/** Reads an EnvelopedData (RFC 5652 section 6.1) or AuthEnvelopedData (RFC 5083 section 2.1). @throws PkiError `malformed` */
export function readEnvelopedData(value: Asn1): EnvelopedData {
  const fields = items(value)
  const at = fields.findIndex(({ tag }) => tag === tags.set)
  const [recipients, encrypted, ...rest] = fields.slice(at)
  if (at === -1 || !recipients || !encrypted) throw new PkiError('malformed', 'the EnvelopedData is incomplete')
  const [, algorithm, content] = items(encrypted)
  if (!algorithm || !content) throw new PkiError('malformed', 'the encrypted content is missing')
  const attributes = rest.find(({ tag }) => tag === AUTHENTICATED)
  const mac = rest.find(({ tag }) => (tag & ~CONSTRUCTED) === tags.octetString)
  return {
    recipients: items(recipients).flatMap(readRecipient).slice(0, MAX_RECIPIENTS),
    algorithm: readAlgorithm(algorithm),
    content: octetStringValue(content),
    // RFC 5083 section 2.2: as a SET OF
    authenticated: attributes ? Buffer.concat([Buffer.of(tags.set), attributes.raw.subarray(1)]) : Buffer.alloc(0),
    tag: mac && octetStringValue(mac),
  }
}

const AUTHENTICATED = 0xa1
const CONSTRUCTED = 0x20
const KEY_AGREEMENT = 0xa1

/** Reads a recipient. Those by shared keys and passwords are left out. RFC 5652 section 6.2. */
function readRecipient(value: Asn1): RecipientInfo[] {
  if (value.tag === tags.sequence) {
    const [, recipient, algorithm, encryptedKey] = items(value)
    if (!recipient || !algorithm || !encryptedKey) throw new PkiError('malformed', 'a recipient is incomplete')
    const encrypted = octetStringValue(encryptedKey)
    return [{ recipient: readReference(recipient), algorithm: readAlgorithm(algorithm), encryptedKey: encrypted }]
  }
  return value.tag === KEY_AGREEMENT ? readAgreement(items(value)) : []
}

/** RFC 5652 section 6.2.2, RFC 5753 section 3.1.1. */
function readAgreement(fields: readonly Asn1[]): RecipientInfo[] {
  const originator = item(taggedItem(fields, 0), 0)
  const material = taggedItem(fields, 1)
  const [algorithm, keys] = fields.filter(({ tag }) => tag === tags.sequence)
  // The sender's key is in the message; agreements with a certificate's key are not used in mail.
  if ((originator.tag & 0x1f) !== 1 || !algorithm || !keys) return []
  const agreement = {
    publicKey: item(originator, 1).content.subarray(1),
    userKeyingMaterial: material && octetStringValue(item(material, 0)),
  }
  return items(keys).map((one) => {
    const [recipient, encryptedKey] = items(one)
    if (!recipient || !encryptedKey) throw new PkiError('malformed', 'a recipient is incomplete')
    return {
      // RecipientKeyIdentifier is [0], and its first member is the identifier.
      recipient: recipient.tag === tags.sequence ? readReference(recipient) : readReference(item(recipient, 0)),
      algorithm: readAlgorithm(algorithm),
      encryptedKey: octetStringValue(encryptedKey),
      agreement,
    }
  })
}

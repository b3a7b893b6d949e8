import { createDecipheriv } from 'node:crypto'
import { item, octetStringValue } from '../../../tls/pki/der/decode.ts'
import { tags } from '../../../tls/pki/der/encode.ts'
import { PkiError } from '../../../tls/pki/errors.ts'
import type { EnvelopedData } from './enveloped.ts'
import { type ContentCipher, contentCiphers, otherCiphers } from './ids.ts'

/** Returns the cipher of the content, with the name of one that is not supported. */
export function cipherOf({ algorithm }: EnvelopedData): { cipher: ContentCipher | undefined; title: string } {
  const cipher = Object.hasOwn(contentCiphers, algorithm.id) ? contentCiphers[algorithm.id] : undefined
  return { cipher, title: cipher?.title ?? otherCiphers[algorithm.id] ?? algorithm.id }
}

/** RFC 5084 section 3.2 */
const MIN_TAG_OCTETS = 12

/** Decrypts the content. @throws an error of OpenSSL for a wrong key or a changed content */
export function decryptContent(data: EnvelopedData, { name, isAuthenticated }: ContentCipher, key: Buffer): Buffer {
  const { parameters } = data.algorithm
  if (!parameters) throw new PkiError('malformed', 'the initialization vector is missing')
  if (!isAuthenticated) {
    const decipher = createDecipheriv(name, key, octetStringValue(parameters))
    return Buffer.concat([decipher.update(data.content), decipher.final()])
  }
  // RFC 5084 section 3.2
  const nonce = parameters.tag === tags.sequence ? item(parameters, 0) : parameters
  const { tag } = data
  if (!tag || tag.length < MIN_TAG_OCTETS) throw new PkiError('malformed', 'the tag of AES-GCM is missing or too short')
  const decipher = createDecipheriv(name as 'aes-256-gcm', key, octetStringValue(nonce), { authTagLength: tag.length })
  decipher.setAAD(data.authenticated)
  decipher.setAuthTag(tag)
  return Buffer.concat([decipher.update(data.content), decipher.final()])
}

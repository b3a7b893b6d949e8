import {
  constants,
  createDecipheriv,
  createHash,
  createPublicKey,
  diffieHellman,
  type KeyObject,
  privateDecrypt,
  randomBytes,
  type X509Certificate,
} from 'node:crypto'
import { certificateFields } from '../../../tls/pki/certificate/certificate.ts'
import { item, items, oidOf, readAsn1, taggedItem } from '../../../tls/pki/der/decode.ts'
import { bitString, context, octetString, sequence } from '../../../tls/pki/der/encode.ts'
import { PkiError } from '../../../tls/pki/errors.ts'
import { type Algorithm, readAlgorithm } from './content.ts'
import type { RecipientInfo } from './enveloped.ts'
import { ecdhSchemes, hashes, keyWraps, rsaEncryption, rsaesOaep } from './ids.ts'

/** Returns the name of the method that encrypts the content key. */
export function methodOf({ algorithm }: Pick<RecipientInfo, 'algorithm'>): string {
  if (algorithm.id === rsaEncryption) return 'RSA'
  if (algorithm.id === rsaesOaep) return 'RSA-OAEP'
  return Object.hasOwn(ecdhSchemes, algorithm.id) ? 'ECDH' : algorithm.id
}

/**
 * Decrypts the key of the content.
 * @param keyOctets its length
 * @throws PkiError `refused` for a method that is not supported, or an error of OpenSSL
 */
export function contentKeyOf(info: RecipientInfo, key: KeyObject, certificate: X509Certificate, keyOctets: number) {
  const { algorithm, encryptedKey } = info
  if (algorithm.id === rsaEncryption) return decryptByRsa(key, encryptedKey, keyOctets)
  if (algorithm.id === rsaesOaep) return decryptByOaep(key, encryptedKey, algorithm)
  if (Object.hasOwn(ecdhSchemes, algorithm.id)) return decryptByAgreement(info, key, certificate)
  throw new PkiError('refused', `the key encryption ${algorithm.id} is not supported`)
}

/**
 * Node.js 20 does not decrypt PKCS#1 version 1.5. Wrong padding results in a random key, so that a sender learns nothing
 * from it. RFC 3218 section 2.3.2.
 */
function decryptByRsa(key: KeyObject, encrypted: Buffer, keyOctets: number): Buffer {
  const block = privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, encrypted)
  const end = block.indexOf(0, 2)
  const isPadded = block[0] === 0 && block[1] === 2 && end >= 10 && block.length - end - 1 === keyOctets
  return isPadded ? block.subarray(end + 1) : randomBytes(keyOctets)
}

/** RFC 3560 section 3, RFC 4055 section 4.1. */
function decryptByOaep(key: KeyObject, encrypted: Buffer, { parameters }: Algorithm): Buffer {
  const fields = parameters ? items(parameters) : []
  const hashOf = (value: ReturnType<typeof taggedItem>): string => {
    const id = value === undefined ? undefined : oidOf(item(item(value, 0), 0))
    const found = id === undefined ? 'sha1' : hashes[id]?.name
    if (found === undefined) throw new PkiError('refused', `the hash ${id} of RSA-OAEP is not supported`)
    return found
  }
  const hash = hashOf(taggedItem(fields, 0))
  const mask = taggedItem(fields, 1)
  const maskHash = mask === undefined ? 'sha1' : hashOf(mask && { ...mask, content: item(item(mask, 0), 1).raw })
  if (hash !== maskHash) throw new PkiError('refused', `RSA-OAEP with ${hash} and ${maskHash} is not supported`)
  const label = taggedItem(fields, 2)
  return privateDecrypt(
    {
      key,
      padding: constants.RSA_PKCS1_OAEP_PADDING,
      oaepHash: hash,
      ...(label ? { oaepLabel: item(item(label, 0), 1).content } : {}),
    },
    encrypted,
  )
}

/** RFC 5753 section 3.1.3. */
function decryptByAgreement(info: RecipientInfo, key: KeyObject, certificate: X509Certificate): Buffer {
  const { algorithm, agreement, encryptedKey } = info
  const hash = ecdhSchemes[algorithm.id] ?? 'sha1'
  const wrapId = algorithm.parameters && readAlgorithm(algorithm.parameters)
  const wrap = wrapId && keyWraps[wrapId.id]
  if (!agreement || !wrapId || !wrap) throw new PkiError('refused', `the key wrap ${wrapId?.id} is not supported`)
  const own = item(readAsn1(certificateFields(certificate.raw).publicKey), 0).raw
  // The sender's key is on the same curve, and does not repeat it.
  const der = sequence(own, bitString(agreement.publicKey))
  const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' })
  const secret = diffieHellman({ privateKey: key, publicKey })
  const shared = sequence(
    wrapId.raw,
    ...(agreement.userKeyingMaterial ? [context(0, octetString(agreement.userKeyingMaterial))] : []),
    context(2, octetString(uint32(wrap.keyOctets * 8))),
  )
  const decipher = createDecipheriv(wrap.name, derive(secret, shared, hash, wrap.keyOctets), WRAP_IV)
  return Buffer.concat([decipher.update(encryptedKey), decipher.final()])
}

/** RFC 3394 section 2.2.3.1. */
const WRAP_IV = Buffer.alloc(8, 0xa6)

/** The key derivation of ANSI X9.63. SEC 1 section 3.6.1. */
function derive(secret: Buffer, shared: Buffer, hash: string, octets: number): Buffer {
  const blocks: Buffer[] = []
  for (let counter = 1; Buffer.concat(blocks).length < octets; counter++) {
    blocks.push(createHash(hash).update(secret).update(uint32(counter)).update(shared).digest())
  }
  return Buffer.concat(blocks).subarray(0, octets)
}

function uint32(value: number): Buffer {
  const octets = Buffer.alloc(4)
  octets.writeUInt32BE(value)
  return octets
}

import { createHash, createPrivateKey, type KeyObject } from 'node:crypto'
import { item, octetStringValue, readAsn1 } from '../der/decode.ts'
import { readPem, writePem } from '../der/pem.ts'
import { PkiError } from '../errors.ts'
import { readPrivateKey } from '../keys.ts'
import { decryptByForge } from './old-ciphers.ts'
import { decrypt, FilePassword } from './password-encryption.ts'

/**
 * Reads a private key in PEM that a password protects, also one that is encrypted with a cipher that OpenSSL 3 in Node.js no
 * longer ships. @throws PkiError as `readPrivateKey`
 */
export async function readProtectedKey(pem: string, passphrase: string | undefined): Promise<KeyObject> {
  try {
    return readPrivateKey(pem, passphrase)
  } catch (error) {
    const isWrong = error instanceof PkiError && error.code === 'password'
    const plain = isWrong && passphrase !== undefined ? await decryptPem(pem, passphrase) : undefined
    if (plain === undefined) throw error
    return readPrivateKey(plain)
  }
}

/** Returns the decrypted key in PEM; undefined if the password is wrong. @throws PkiError `malformed` for an unknown cipher */
async function decryptPem(pem: string, passphrase: string): Promise<string | undefined> {
  const [block] = readPem(pem).filter(({ label }) => label.endsWith('PRIVATE KEY'))
  if (block === undefined) return undefined
  const isPkcs8 = block.label === 'ENCRYPTED PRIVATE KEY'
  try {
    const der = await (isPkcs8 ? decryptPkcs8(block.der, passphrase) : decryptTraditional(pem, block.der, passphrase))
    const plain = writePem(isPkcs8 ? 'PRIVATE KEY' : block.label, der)
    // A wrong password gives octets, too.
    createPrivateKey(plain)
    return plain
  } catch (error) {
    if (error instanceof PkiError) throw error
    return undefined
  }
}

/** Decrypts an EncryptedPrivateKeyInfo. RFC 5958 section 3. */
const decryptPkcs8 = (der: Buffer, passphrase: string): Promise<Buffer> =>
  decrypt(item(readAsn1(der), 0), octetStringValue(item(readAsn1(der), 1)), new FilePassword(passphrase))

/** The ciphers of the form that OpenSSL wrote before PKCS#8, with the octets of their keys. */
const traditional: Readonly<Record<string, { readonly keyOctets: number; readonly bits?: number }>> = {
  'DES-CBC': { keyOctets: 8 },
  'RC2-CBC': { keyOctets: 16 },
  'RC2-64-CBC': { keyOctets: 8, bits: 64 },
  'RC2-40-CBC': { keyOctets: 5, bits: 40 },
}

/** Decrypts a key whose cipher and IV are in the header `DEK-Info`. RFC 1421 section 4.6.1.3; `openssl help EVP_BytesToKey` */
async function decryptTraditional(pem: string, der: Buffer, passphrase: string): Promise<Buffer> {
  const [, name = '', hex = ''] = /^DEK-Info: *([\w-]+),([0-9A-Fa-f]+)/m.exec(pem) ?? []
  const iv = Buffer.from(hex, 'hex')
  const { keyOctets = 0, bits } = traditional[name.toUpperCase()] ?? {}
  // OpenSSL in Node.js has the others.
  if (keyOctets === 0) throw new Error('wrong password')
  const key = createHash('md5').update(passphrase).update(iv.subarray(0, 8)).digest().subarray(0, keyOctets)
  return decryptByForge(name.toUpperCase() === 'DES-CBC' ? 'des-cbc' : 'rc2-cbc', key, iv, der, bits)
}

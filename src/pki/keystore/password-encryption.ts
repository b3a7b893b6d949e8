import { createCipheriv, createDecipheriv, createHash, pbkdf2Sync, randomBytes } from 'node:crypto'
import { type Asn1, item, items, iterationsOf, oidOf } from '../der/decode.ts'
import { integer, nul, octetString, oid, sequence } from '../der/encode.ts'
import { PkiError } from '../errors.ts'

/** RFC 8018 appendix A.4, A.2 and B. */
const pbes2 = '1.2.840.113549.1.5.13'
const pbkdf2 = '1.2.840.113549.1.5.12'
const tripleDes = '1.2.840.113549.3.7'
const aes256 = '2.16.840.1.101.3.4.1.42'
const ciphers: Record<string, { cipher: string; keyOctets: number }> = {
  '2.16.840.1.101.3.4.1.2': { cipher: 'aes-128-cbc', keyOctets: 16 },
  '2.16.840.1.101.3.4.1.22': { cipher: 'aes-192-cbc', keyOctets: 24 },
  [aes256]: { cipher: 'aes-256-cbc', keyOctets: 32 },
  [tripleDes]: { cipher: 'des-ede3-cbc', keyOctets: 24 },
}
const hmacSha256 = '1.2.840.113549.2.9'
const prfs: Record<string, string> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.8': 'sha224',
  [hmacSha256]: 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
}

/** PKCS#12's own schemes, which old Windows writes and reads. RFC 7292 appendix C. */
const tripleDesPbe = '1.2.840.113549.1.12.1.3'
const pbe: Record<string, { cipher: 'des-ede3-cbc' | 'des-ede-cbc' | 'rc2'; keyOctets: number }> = {
  [tripleDesPbe]: { cipher: 'des-ede3-cbc', keyOctets: 24 },
  '1.2.840.113549.1.12.1.4': { cipher: 'des-ede-cbc', keyOctets: 16 },
  '1.2.840.113549.1.12.1.5': { cipher: 'rc2', keyOctets: 16 },
  '1.2.840.113549.1.12.1.6': { cipher: 'rc2', keyOctets: 5 },
}

/** Enough to slow a guesser, little enough for a test. */
const iterations = 10_000
const legacyIterations = 2000

/** RC2 is in none of OpenSSL's default providers. RFC 2268. */
async function decryptRc2(key: Buffer, iv: Buffer, content: Buffer): Promise<Buffer> {
  const { default: forge } = await import('node-forge')
  const decipher = forge.rc2.createDecryptionCipher(key.toString('binary'), key.length * 8)
  decipher.start(iv.toString('binary'))
  decipher.update(forge.util.createBuffer(content.toString('binary')))
  if (!decipher.finish()) throw new Error('wrong padding')
  return Buffer.from(decipher.output.getBytes(), 'binary')
}

function decipher(cipher: string, key: Buffer, iv: Buffer, content: Buffer): Buffer {
  const engine = createDecipheriv(cipher, key, iv)
  return Buffer.concat([engine.update(content), engine.final()])
}

/** PBKDF2 as an AlgorithmIdentifier tells it. RFC 8018 appendix A.2. */
export function derivePbkdf2(algorithm: Asn1, password: string, keyOctets: number): Buffer {
  const [salt, count, ...rest] = items(item(algorithm, 1))
  if (!salt || !count) throw new PkiError('malformed', 'broken PBKDF2 parameters')
  const prf = rest.find(({ tag }) => tag === 0x30)
  const hash = prf ? prfs[oidOf(item(prf, 0))] : 'sha1'
  if (hash === undefined) throw new PkiError('malformed', 'a PBKDF2 hash that is not known here')
  return pbkdf2Sync(password, salt.content, iterationsOf(count), keyOctets, hash)
}

function decryptPbes2(parameters: Asn1, content: Buffer, password: string): Buffer {
  const scheme = item(parameters, 1)
  const found = ciphers[oidOf(item(scheme, 0))]
  if (found === undefined) throw new PkiError('malformed', `cipher ${oidOf(item(scheme, 0))} is not known here`)
  const key = derivePbkdf2(item(parameters, 0), password, found.keyOctets)
  return decipher(found.cipher, key, item(scheme, 1).content, content)
}

/** Decrypts by an AlgorithmIdentifier. @throws PkiError `malformed` for an unknown scheme; any error for a wrong password */
export async function decrypt(algorithm: Asn1, content: Buffer, password: string): Promise<Buffer> {
  const scheme = oidOf(item(algorithm, 0))
  if (scheme === pbes2) return decryptPbes2(item(algorithm, 1), content, password)
  const found = pbe[scheme]
  if (found === undefined) throw new PkiError('malformed', `encryption scheme ${scheme} is not known here`)
  const salt = item(item(algorithm, 1), 0).content
  const count = iterationsOf(item(item(algorithm, 1), 1))
  const derive = (use: 'key' | 'iv', length: number): Buffer =>
    deriveOctets(use, passwordOctets(password), salt, count, length, 'sha1')
  const key = derive('key', found.keyOctets)
  if (found.cipher === 'rc2') return decryptRc2(key, derive('iv', 8), content)
  return decipher(found.cipher, key, derive('iv', 8), content)
}

export interface Encrypted {
  /** AlgorithmIdentifier. */
  readonly algorithm: Buffer
  readonly content: Buffer
}

function encryptLegacy(content: Buffer, password: string): Encrypted {
  const salt = randomBytes(8)
  const derive = (use: 'key' | 'iv', length: number): Buffer =>
    deriveOctets(use, passwordOctets(password), salt, legacyIterations, length, 'sha1')
  const cipher = createCipheriv('des-ede3-cbc', derive('key', 24), derive('iv', 8))
  return {
    algorithm: sequence(oid(tripleDesPbe), sequence(octetString(salt), integer(legacyIterations))),
    content: Buffer.concat([cipher.update(content), cipher.final()]),
  }
}

/** AES-256 under PBKDF2 with SHA-256; `legacy`: triple DES under PKCS#12's own derivation, which Windows XP reads. */
export function encrypt(content: Buffer, password: string, legacy: boolean): Encrypted {
  if (legacy) return encryptLegacy(content, password)
  const salt = randomBytes(16)
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-256-cbc', pbkdf2Sync(password, salt, iterations, 32, 'sha256'), iv)
  const derivation = sequence(octetString(salt), integer(iterations), sequence(oid(hmacSha256), nul()))
  return {
    algorithm: sequence(
      oid(pbes2),
      sequence(sequence(oid(pbkdf2), derivation), sequence(oid(aes256), octetString(iv))),
    ),
    content: Buffer.concat([cipher.update(content), cipher.final()]),
  }
}

/** What the derived octets are for. RFC 7292 appendix B.3. */
export type DerivedUse = 'key' | 'iv' | 'mac'
const diversifiers: Record<DerivedUse, number> = { key: 1, iv: 2, mac: 3 }

/** Block sizes of the hashes that PKCS#12 uses, in octets. */
const blockOctets: Record<string, number> = { sha1: 64, sha224: 64, sha256: 64, sha384: 128, sha512: 128, md5: 64 }

/** A password as PKCS#12 takes it: UTF-16 with a final NUL. RFC 7292 appendix B.1. */
export const passwordOctets = (password: string): Buffer => Buffer.from(`${password}\0`, 'utf16le').swap16()

function repeated(octets: Buffer, block: number): Buffer {
  const length = Math.ceil(octets.length / block) * block
  return Buffer.alloc(length, octets.length > 0 ? octets : 0)
}

/** `target = target + addend + 1`, as big-endian numbers of the same length. */
function addWithOne(target: Buffer, addend: Buffer): void {
  let carry = 1
  for (let at = target.length - 1; at >= 0; at--) {
    const sum = (target[at] ?? 0) + (addend[at] ?? 0) + carry
    target[at] = sum & 0xff
    carry = sum >> 8
  }
}

/** Derives key, IV or MAC key from a password. RFC 7292 appendix B.2. */
export function deriveOctets(
  use: DerivedUse,
  password: Buffer,
  salt: Buffer,
  iterations: number,
  length: number,
  hash: string,
): Buffer {
  const block = blockOctets[hash] ?? 64
  const diversifier = Buffer.alloc(block, diversifiers[use])
  const input = Buffer.concat([repeated(salt, block), repeated(password, block)])
  const derived: Buffer[] = []
  for (let have = 0; have < length; ) {
    let digest = createHash(hash).update(diversifier).update(input).digest()
    for (let round = 1; round < iterations; round++) digest = createHash(hash).update(digest).digest()
    derived.push(digest)
    have += digest.length
    const addend = Buffer.alloc(block, digest)
    for (let at = 0; at < input.length; at += block) addWithOne(input.subarray(at, at + block), addend)
  }
  return Buffer.concat(derived).subarray(0, length)
}

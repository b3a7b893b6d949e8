import {
  createCipheriv,
  createDecipheriv,
  createHash,
  getCiphers,
  hash as hashOnce,
  pbkdf2 as nodePbkdf2,
  pbkdf2Sync,
  randomBytes,
} from 'node:crypto'
import { promisify } from 'node:util'
import { runInSlices, runToEnd, type Steps } from '../../../core/time/time-slice.ts'
import { type Asn1, decodeNumber, item, items, iterationsOf, octetStringValue, oidOf } from '../der/decode.ts'
import { integer, nul, octetString, oid, sequence } from '../der/encode.ts'
import { PkiError } from '../errors.ts'
import { decryptByForge, rc4 } from './old-ciphers.ts'

/** Password-based encryption of PKCS#12 files: the schemes of PKCS#5 (RFC 8018) and of PKCS#12 itself (RFC 7292). */
interface Encrypted {
  /** AlgorithmIdentifier. */
  readonly algorithm: Buffer
  readonly content: Buffer
}

interface CipherSpec {
  readonly cipher: string
  readonly keyOctets: number
}

/** RFC 8018 appendix A.4, A.2 and B. */
const pbes2 = '1.2.840.113549.1.5.13'
const pbkdf2 = '1.2.840.113549.1.5.12'
const aes256 = '2.16.840.1.101.3.4.1.42'
const pbes2Ciphers: Record<string, CipherSpec> = {
  '2.16.840.1.101.3.4.1.2': { cipher: 'aes-128-cbc', keyOctets: 16 },
  '2.16.840.1.101.3.4.1.22': { cipher: 'aes-192-cbc', keyOctets: 24 },
  [aes256]: { cipher: 'aes-256-cbc', keyOctets: 32 },
  '1.2.840.113549.3.7': { cipher: 'des-ede3-cbc', keyOctets: 24 },
  '1.3.14.3.2.7': { cipher: 'des-cbc', keyOctets: 8 },
  // RFC 3657 section 2.2
  '1.2.392.200011.61.1.1.1.2': { cipher: 'camellia-128-cbc', keyOctets: 16 },
  '1.2.392.200011.61.1.1.1.3': { cipher: 'camellia-192-cbc', keyOctets: 24 },
  '1.2.392.200011.61.1.1.1.4': { cipher: 'camellia-256-cbc', keyOctets: 32 },
  // RFC 5794 section 3
  '1.2.410.200046.1.1.2': { cipher: 'aria-128-cbc', keyOctets: 16 },
  '1.2.410.200046.1.1.7': { cipher: 'aria-192-cbc', keyOctets: 24 },
  '1.2.410.200046.1.1.12': { cipher: 'aria-256-cbc', keyOctets: 32 },
}
const rc2 = '1.2.840.113549.3.2'
/** The version in the parameters of RC2, which stands for a number of effective bits. RFC 8018 appendix B.2.3. */
const rc2Bits: Readonly<Record<number, number>> = { 160: 40, 120: 64, 58: 128 }
/** Ciphers and schemes that are not supported, for messages. */
const unsupported: Readonly<Record<string, string>> = {
  '1.2.840.113549.3.9': 'RC5',
  '1.3.6.1.4.1.188.7.1.1.2': 'IDEA',
  '1.3.6.1.4.1.3029.1.2': 'Blowfish',
  '1.2.840.113533.7.66.10': 'CAST-128',
  '1.2.410.200004.1.4': 'SEED',
  '1.2.643.2.2.21': 'GOST 28147-89',
  '1.2.156.10197.1.104.2': 'SM4',
  '2.16.840.1.101.3.4.1.6': 'AES-128-GCM',
  '2.16.840.1.101.3.4.1.26': 'AES-192-GCM',
  '2.16.840.1.101.3.4.1.46': 'AES-256-GCM',
}
const cipherTitle = (id: string): string => (unsupported[id] === undefined ? id : `${unsupported[id]} (${id})`)
const hmacSha256 = '1.2.840.113549.2.9'
const pbkdf2Hashes: Record<string, string> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.8': 'sha224',
  [hmacSha256]: 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
}

/** The schemes of PKCS#12, which old Windows versions read and write. RFC 7292 appendix C. */
const tripleDesPbe = '1.2.840.113549.1.12.1.3'
const pkcs12Schemes: Record<string, CipherSpec> = {
  [tripleDesPbe]: { cipher: 'des-ede3-cbc', keyOctets: 24 },
  '1.2.840.113549.1.12.1.4': { cipher: 'des-ede-cbc', keyOctets: 16 },
  '1.2.840.113549.1.12.1.5': { cipher: 'rc2-cbc', keyOctets: 16 },
  '1.2.840.113549.1.12.1.6': { cipher: 'rc2-cbc', keyOctets: 5 },
  '1.2.840.113549.1.12.1.1': { cipher: 'rc4', keyOctets: 16 },
  '1.2.840.113549.1.12.1.2': { cipher: 'rc4', keyOctets: 5 },
}

/** The schemes of PKCS#5 version 1.5, which old Java and OpenSSL versions write. RFC 8018 appendix A.3. */
const pbes1Schemes: Record<string, { readonly cipher: string; readonly hash: string }> = {
  '1.2.840.113549.1.5.3': { cipher: 'des-cbc', hash: 'md5' },
  '1.2.840.113549.1.5.6': { cipher: 'rc2-cbc', hash: 'md5' },
  '1.2.840.113549.1.5.10': { cipher: 'des-cbc', hash: 'sha1' },
  '1.2.840.113549.1.5.11': { cipher: 'rc2-cbc', hash: 'sha1' },
}

/** Iterations of all key derivations of one file. A file can have many encrypted parts. */
const MAX_ITERATIONS = 15_000_000

/** The password of a file, and the iterations that may still be spent on keys derived from it. */
export class FilePassword {
  readonly text: string
  #left = MAX_ITERATIONS

  constructor(text: string) {
    this.text = text
  }

  /** @throws PkiError `malformed` if the file asks for too many iterations */
  spend(iterations: number): void {
    this.#left -= iterations
    if (this.#left < 0)
      throw new PkiError('malformed', `the file needs more than ${MAX_ITERATIONS} iterations to be read`)
  }
}

/** Decrypts by an AlgorithmIdentifier. @throws PkiError `malformed` for an unsupported scheme, any error for a wrong password */
export async function decrypt(algorithm: Asn1, content: Buffer, password: FilePassword): Promise<Buffer> {
  const scheme = oidOf(item(algorithm, 0))
  if (scheme === pbes2) return decryptPbes2(item(algorithm, 1), content, password)
  const pkcs12 = pkcs12Schemes[scheme]
  const pbes1 = pbes1Schemes[scheme]
  if (pkcs12 === undefined && pbes1 === undefined) {
    throw new PkiError('malformed', `the encryption scheme ${cipherTitle(scheme)} is not supported`)
  }
  const salt = octetStringValue(item(item(algorithm, 1), 0))
  const iterations = iterationsOf(item(item(algorithm, 1), 1))
  if (pkcs12) {
    const derive = async (use: 'key' | 'iv', length: number): Promise<Buffer> =>
      deriveOctets(password, {
        use,
        password: passwordOctets(password.text),
        salt,
        count: iterations,
        length,
        hash: 'sha1',
      })
    const key = await derive('key', pkcs12.keyOctets)
    return pkcs12.cipher === 'rc4' ? rc4(key, content) : decryptCbc(pkcs12.cipher, key, await derive('iv', 8), content)
  }
  const { cipher, hash } = pbes1 ?? { cipher: '', hash: '' }
  password.spend(iterations)
  const derived = await runInSlices(pbkdf1(password.text, salt, iterations, hash))
  return decryptCbc(cipher, derived.subarray(0, 8), derived.subarray(8, 16), content)
}

async function decryptPbes2(parameters: Asn1, content: Buffer, password: FilePassword): Promise<Buffer> {
  const scheme = item(parameters, 1)
  const id = oidOf(item(scheme, 0))
  if (id === rc2) return decryptRc2(item(parameters, 0), item(scheme, 1), content, password)
  const found = pbes2Ciphers[id]
  if (found === undefined || (!getCiphers().includes(found.cipher) && found.cipher !== 'des-cbc'))
    throw new PkiError('malformed', `the cipher ${found?.cipher ?? cipherTitle(id)} is not supported`)
  const key = await derivePbkdf2(item(parameters, 0), password, found.keyOctets)
  return decryptCbc(found.cipher, key, item(scheme, 1).content, content)
}

/** Decrypts RC2 by its parameters: the version, which is absent for 32 bits, and the IV. RFC 8018 appendix B.2.3. */
async function decryptRc2(derivation: Asn1, cipher: Asn1, content: Buffer, password: FilePassword): Promise<Buffer> {
  const parameters = items(cipher)
  const iv = parameters.at(-1)?.content ?? Buffer.alloc(0)
  const version = parameters.length > 1 ? decodeNumber(item(cipher, 0)) : undefined
  const bits = version === undefined ? 32 : (rc2Bits[version] ?? version)
  // The key has as many octets as the parameters of PBKDF2 say.
  const length = items(item(derivation, 1))[2]
  const keyOctets = length?.tag === 0x02 ? decodeNumber(length) : bits / 8
  if (!(keyOctets > 0 && keyOctets <= 128)) throw new PkiError('malformed', 'broken parameters of RC2')
  return decryptByForge('rc2-cbc', await derivePbkdf2(derivation, password, keyOctets), iv, content, bits)
}

async function decryptCbc(cipher: string, key: Buffer, iv: Buffer, content: Buffer): Promise<Buffer> {
  if (cipher === 'des-cbc' || cipher === 'rc2-cbc') return decryptByForge(cipher, key, iv, content)
  const decipher = createDecipheriv(cipher, key, iv)
  return Buffer.concat([decipher.update(content), decipher.final()])
}

/** Slows down guessing, and is still fast enough for tests. */
const ITERATIONS = 10_000
const LEGACY_ITERATIONS = 2000

/** Encrypts with AES-256 and PBKDF2 with SHA-256. `legacy`: with triple DES, which Windows XP can read. */
export function encrypt(content: Buffer, password: string, legacy: boolean): Encrypted {
  if (legacy) return encryptLegacy(content, password)
  const salt = randomBytes(16)
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-256-cbc', pbkdf2Sync(password, salt, ITERATIONS, 32, 'sha256'), iv)
  const derivation = sequence(octetString(salt), integer(ITERATIONS), sequence(oid(hmacSha256), nul()))
  return {
    algorithm: sequence(
      oid(pbes2),
      sequence(sequence(oid(pbkdf2), derivation), sequence(oid(aes256), octetString(iv))),
    ),
    content: Buffer.concat([cipher.update(content), cipher.final()]),
  }
}

function encryptLegacy(content: Buffer, password: string): Encrypted {
  const salt = randomBytes(8)
  const ofPassword = { password: passwordOctets(password), salt, count: LEGACY_ITERATIONS, hash: 'sha1' }
  const derive = (use: 'key' | 'iv', length: number): Buffer => deriveOctetsNow({ ...ofPassword, use, length })
  const cipher = createCipheriv('des-ede3-cbc', derive('key', 24), derive('iv', 8))
  return {
    algorithm: sequence(oid(tripleDesPbe), sequence(octetString(salt), integer(LEGACY_ITERATIONS))),
    content: Buffer.concat([cipher.update(content), cipher.final()]),
  }
}

/** Derives a key by the PBKDF2 parameters of an AlgorithmIdentifier. RFC 8018 section 5.2 and appendix A.2. */
export async function derivePbkdf2(algorithm: Asn1, password: FilePassword, keyOctets: number): Promise<Buffer> {
  const [salt, count, ...rest] = items(item(algorithm, 1))
  if (!salt || !count) throw new PkiError('malformed', 'broken PBKDF2 parameters')
  const prf = rest.find(({ tag }) => tag === 0x30)
  const hash = prf ? pbkdf2Hashes[oidOf(item(prf, 0))] : 'sha1'
  if (hash === undefined) throw new PkiError('malformed', 'the hash of PBKDF2 is not supported')
  const iterations = iterationsOf(count)
  password.spend(iterations)
  return pbkdf2InThread(password.text, salt.content, iterations, keyOctets, hash)
}

const pbkdf2InThread = promisify(nodePbkdf2)

/** Derives the 8 octets of a key and the 8 of an IV. RFC 8018 section 5.1. */
function* pbkdf1(password: string, salt: Buffer, count: number, hash: string): Steps<Buffer> {
  const first = createHash(hash).update(password).update(salt).digest()
  return (yield* hashedAgain(first, count, hash)).subarray(0, 16)
}

/** Hashes between two steps. */
const ROUNDS_PER_STEP = 256

/** Returns the digest after `count` rounds, the first of which has been made. */
function* hashedAgain(first: Buffer, count: number, hash: string): Steps<Buffer> {
  let digest = first
  for (let round = 1; round < count; round++) {
    digest = hashOnce(hash, digest, 'buffer')
    if (round % ROUNDS_PER_STEP === 0) yield
  }
  return digest
}

/** The purpose of derived octets. RFC 7292 appendix B.3. */
type DerivedUse = 'key' | 'iv' | 'mac'
const diversifiers: Record<DerivedUse, number> = { key: 1, iv: 2, mac: 3 }

/** Block sizes of the hashes that PKCS#12 uses, in octets. */
const blockOctets: Record<string, number> = { sha1: 64, sha224: 64, sha256: 64, sha384: 128, sha512: 128, md5: 64 }

/** Returns a password as PKCS#12 uses it: UTF-16 with a final NUL. RFC 7292 appendix B.1. */
export const passwordOctets = (password: string): Buffer => Buffer.from(`${password}\0`, 'utf16le').swap16()

/** The inputs of a key derivation. RFC 7292 appendix B.2. */
interface Derivation {
  readonly use: DerivedUse
  /** From `passwordOctets`. */
  readonly password: Buffer
  readonly salt: Buffer
  readonly count: number
  /** In octets. */
  readonly length: number
  readonly hash: string
}

/** Derives a key, an IV or a MAC key for a file that is read, in slices. @throws PkiError `malformed` if that takes too long */
export function deriveOctets(of: FilePassword, derivation: Derivation): Buffer | Promise<Buffer> {
  const { count, length, hash } = derivation
  of.spend(count * Math.ceil(length / createHash(hash).digest().length))
  return runInSlices(derive(derivation))
}

/** Derives octets for a file that is written, with few iterations. */
export const deriveOctetsNow = (derivation: Derivation): Buffer => runToEnd(derive(derivation))

function* derive({ use, password, salt, count, length, hash }: Derivation): Steps<Buffer> {
  const block = blockOctets[hash] ?? 64
  const diversifier = Buffer.alloc(block, diversifiers[use])
  const input = Buffer.concat([repeatToBlocks(salt, block), repeatToBlocks(password, block)])
  const derived: Buffer[] = []
  for (let have = 0; have < length; ) {
    const first = createHash(hash).update(diversifier).update(input).digest()
    const digest = yield* hashedAgain(first, count, hash)
    derived.push(digest)
    have += digest.length
    const addend = Buffer.alloc(block, digest)
    for (let at = 0; at < input.length; at += block) addWithOne(input.subarray(at, at + block), addend)
  }
  return Buffer.concat(derived).subarray(0, length)
}

/** Repeats octets until they fill whole blocks. */
function repeatToBlocks(octets: Buffer, block: number): Buffer {
  const length = Math.ceil(octets.length / block) * block
  return Buffer.alloc(length, octets.length > 0 ? octets : 0)
}

/** Adds `addend` and 1 to `target`. Both are big-endian numbers of the same length; the carry is dropped. */
function addWithOne(target: Buffer, addend: Buffer): void {
  let carry = 1
  for (let at = target.length - 1; at >= 0; at--) {
    const sum = (target[at] ?? 0) + (addend[at] ?? 0) + carry
    target[at] = sum & 0xff
    carry = sum >> 8
  }
}

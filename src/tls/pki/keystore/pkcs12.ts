import {
  createHash,
  createHmac,
  createPrivateKey,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
  type X509Certificate,
} from 'node:crypto'
import { readCertificate } from '../certificate/certificate.ts'
import {
  type Asn1,
  decodeNumber,
  item,
  items,
  iterationsOf,
  octetStringValue,
  oidOf,
  readAsn1,
  stringOf,
  taggedItem,
} from '../der/decode.ts'
import { bmpString, context, contextPrimitive, integer, nul, octetString, oid, sequence, setOf } from '../der/encode.ts'
import { hashIds, nameIn } from '../der/oids.ts'
import { PkiError } from '../errors.ts'
import { namesMlDsa, requireMlDsa, usableKey } from '../ml-dsa.ts'
import { dataType } from './certificate-files.ts'
import {
  decrypt,
  deriveOctets,
  deriveOctetsNow,
  derivePbkdf2,
  encrypt,
  FilePassword,
  passwordOctets,
} from './password-encryption.ts'

/** Object identifiers of PKCS#12 bags and attributes. RFC 7292 section 4.2, RFC 2985 section 5.5. */
const bagIds = {
  key: '1.2.840.113549.1.12.10.1.1',
  shroudedKey: '1.2.840.113549.1.12.10.1.2',
  certificate: '1.2.840.113549.1.12.10.1.3',
  safeContents: '1.2.840.113549.1.12.10.1.6',
} as const
const x509Type = '1.2.840.113549.1.9.22.1'
const friendlyNameId = '1.2.840.113549.1.9.20'
const localKeyId = '1.2.840.113549.1.9.21'
const encryptedDataType = '1.2.840.113549.1.7.6'

interface KeyStoreContent {
  readonly keys: readonly KeyObject[]
  readonly certificates: readonly X509Certificate[]
  /** The first friendly name found, of the key or of its certificate. */
  readonly friendlyName?: string
}

/** Reads a PKCS#12 file, modern or old. RFC 7292. @throws PkiError `password` or `malformed` */
export async function readPkcs12(der: Buffer, text: string): Promise<KeyStoreContent> {
  const password = new FilePassword(text)
  const [version, authSafe, macData] = items(readAsn1(der))
  if (version?.tag !== 0x02 || !authSafe) throw new PkiError('malformed', 'not a PKCS#12 file')
  const content = await safeOctets(authSafe, password)
  // Programs encode an empty password in two ways: as a NUL character or as nothing.
  const candidates = text === '' ? [passwordOctets(''), Buffer.alloc(0)] : [passwordOctets(text)]
  if (macData && !(await hasMac(macData, content, candidates, password))) throw wrongPassword(text)
  const found: Found = { keys: [], certificates: [], names: [] }
  for (const info of items(readAsn1(content))) {
    const octets = await safeOctets(info, password)
    for (const bag of items(readAsn1(octets))) await readBag(bag, password, found)
  }
  const [friendlyName] = found.names
  return { keys: found.keys, certificates: found.certificates, ...(friendlyName ? { friendlyName } : {}) }
}

/** The keys and certificates found in a file so far. */
interface Found {
  readonly keys: KeyObject[]
  readonly certificates: X509Certificate[]
  readonly names: string[]
}

/** Returns the content of a ContentInfo: of type data, or of type encryptedData after decryption. */
async function safeOctets(info: Asn1, password: FilePassword): Promise<Buffer> {
  const type = oidOf(item(info, 0))
  if (type === dataType) return octetStringValue(item(item(info, 1), 0))
  if (type !== encryptedDataType) {
    throw new PkiError('malformed', 'PKCS#12 files protected by a key instead of a password are not supported')
  }
  const encrypted = item(item(item(info, 1), 0), 1)
  const content = taggedItem(items(encrypted), 0)
  if (content === undefined) throw new PkiError('malformed', 'a part of the PKCS#12 file has no content')
  return decipher(item(encrypted, 1), octetStringValue(content), password)
}

async function readBag(bag: Asn1, password: FilePassword, found: Found): Promise<void> {
  const [id, wrapped, attributes] = items(bag)
  if (!id || !wrapped) throw new PkiError('malformed', 'broken PKCS#12 bag')
  const value = item(wrapped, 0)
  const type = oidOf(id)
  if (type === bagIds.key) found.keys.push(readKey(value.raw))
  if (type === bagIds.shroudedKey) {
    found.keys.push(readKey(await decipher(item(value, 0), octetStringValue(item(value, 1)), password)))
  }
  if (type === bagIds.certificate && oidOf(item(value, 0)) === x509Type) {
    found.certificates.push(readCertificate(octetStringValue(item(item(value, 1), 0))))
  }
  if (type === bagIds.safeContents) for (const inner of items(value)) await readBag(inner, password, found)
  for (const one of attributes ? items(attributes) : []) {
    if (oidOf(item(one, 0)) === friendlyNameId) found.names.push(stringOf(item(item(one, 1), 0)))
  }
}

function readKey(der: Buffer): KeyObject {
  try {
    return usableKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
  } catch (cause) {
    if (cause instanceof PkiError) throw cause
    if (namesMlDsa(der)) requireMlDsa()
    throw new PkiError('malformed', 'the private key in the file cannot be read', { cause })
  }
}

/** Decrypts. A wrong password is the most likely cause of any other error. */
const decipher = (algorithm: Asn1, content: Buffer, password: FilePassword): Promise<Buffer> =>
  decrypt(algorithm, content, password).catch((error: unknown) => {
    throw error instanceof PkiError ? error : wrongPassword(password.text)
  })

const wrongPassword = (password: string): PkiError =>
  new PkiError('password', password === '' ? 'the file is encrypted; give its password' : 'wrong password for the file')

interface KeyStoreFile {
  readonly friendlyName: string
  readonly key: KeyObject
  /** The key's certificate first, then its issuers. */
  readonly certificates: readonly [X509Certificate, ...X509Certificate[]]
  readonly password: string
  /** Writes a file that Windows XP can read. */
  readonly legacy?: boolean
}

/** Creates a PKCS#12 file (`.pfx`, `.p12`). RFC 7292. */
export function writePkcs12({ friendlyName, key, certificates, password, legacy = false }: KeyStoreFile): Buffer {
  const [leaf, ...chain] = certificates
  // Both attributes connect the key with its certificate: Windows uses the identifier, Java shows the name.
  const attributes = [
    sequence(oid(friendlyNameId), setOf(bmpString(friendlyName))),
    sequence(oid(localKeyId), setOf(octetString(createHash('sha1').update(leaf.raw).digest()))),
  ]
  const shrouded = encrypt(key.export({ type: 'pkcs8', format: 'der' }), password, legacy)
  const keys = sequence(
    bag(bagIds.shroudedKey, sequence(shrouded.algorithm, octetString(shrouded.content)), attributes),
  )
  const certificateBags = sequence(certificateBag(leaf, attributes), ...chain.map((one) => certificateBag(one, [])))
  const encrypted = encrypt(certificateBags, password, legacy)
  const encryptedContent = sequence(oid(dataType), encrypted.algorithm, contextPrimitive(0, encrypted.content))
  const safe = sequence(
    sequence(oid(encryptedDataType), context(0, sequence(integer(0), encryptedContent))),
    data(keys),
  )
  return sequence(integer(3), data(safe), createMac(safe, password, legacy))
}

const data = (content: Buffer): Buffer => sequence(oid(dataType), context(0, octetString(content)))

const bag = (id: string, value: Buffer, attributes: readonly Buffer[]): Buffer =>
  sequence(oid(id), context(0, value), ...(attributes.length > 0 ? [setOf(...attributes)] : []))

const certificateBag = (certificate: X509Certificate, attributes: readonly Buffer[]): Buffer =>
  bag(bagIds.certificate, sequence(oid(x509Type), context(0, octetString(certificate.raw))), attributes)

const hashOctets: Record<string, number> = { sha1: 20, sha224: 28, sha256: 32, sha384: 48, sha512: 64 }
/** RFC 9579. */
const pbmac1 = '1.2.840.113549.1.5.14'
const hmacHashes: Record<string, string> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
}

/** Returns the MacData of the authenticated safe. RFC 7292 section 4. */
function createMac(content: Buffer, password: string, legacy: boolean): Buffer {
  const hash = legacy ? 'sha1' : 'sha256'
  const salt = randomBytes(legacy ? 8 : 16)
  const iterations = legacy ? 2000 : 10_000
  const length = hashOctets[hash] ?? 0
  const key = deriveOctetsNow({ use: 'mac', password: passwordOctets(password), salt, count: iterations, length, hash })
  const digest = createHmac(hash, key).update(content).digest()
  const info = sequence(sequence(oid(hashIds[hash]), nul()), octetString(digest))
  return sequence(info, octetString(salt), integer(iterations))
}

async function hasMac(
  macData: Asn1,
  content: Buffer,
  candidates: readonly Buffer[],
  password: FilePassword,
): Promise<boolean> {
  for (const octets of candidates) if (await verifyMac(macData, content, octets, password)) return true
  return false
}

/** Returns whether MacData was made with this password, given as PKCS#12 encodes it and as text. */
async function verifyMac(macData: Asn1, content: Buffer, octets: Buffer, password: FilePassword): Promise<boolean> {
  const [info, salt, count] = items(macData)
  if (!info || !salt) throw new PkiError('malformed', 'broken PKCS#12 MAC')
  const algorithm = item(info, 0)
  const id = oidOf(item(algorithm, 0))
  const digest = octetStringValue(item(info, 1))
  const matches = (hash: string, key: Buffer): boolean => {
    const ours = createHmac(hash, key).update(content).digest()
    return ours.length === digest.length && timingSafeEqual(ours, digest)
  }
  if (id === pbmac1) {
    const [derivation, mac] = items(item(algorithm, 1))
    const hash = mac ? hmacHashes[oidOf(item(mac, 0))] : undefined
    if (!derivation || hash === undefined) throw unsupportedMac()
    const keyLength = items(item(derivation, 1))[2]
    const length = keyLength?.tag === 0x02 ? decodeNumber(keyLength) : (hashOctets[hash] ?? 0)
    return matches(hash, await derivePbkdf2(derivation, password, length))
  }
  const hash = nameIn(hashIds, id)
  if (hash === undefined) throw unsupportedMac()
  const iterations = count ? iterationsOf(count) : 1
  const derivation = { password: octets, salt: salt.content, count: iterations, length: hashOctets[hash] ?? 0, hash }
  return matches(hash, await deriveOctets(password, { ...derivation, use: 'mac' }))
}

const unsupportedMac = (): PkiError => new PkiError('malformed', 'the MAC of the PKCS#12 file is not supported')

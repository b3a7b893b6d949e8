import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto'
import { type Asn1, item, items, octetsOf, oidOf, readAsn1, tagged, textOf } from '../asn1/reader.ts'
import { PkiError } from '../errors.ts'
import { dataType } from '../pkcs7.ts'
import { readCertificate } from '../x509/certificate.ts'
import { bagIds, encryptedDataType, friendlyNameId, x509Type } from './bags.ts'
import { decrypt } from './encryption.ts'
import { passwordOctets } from './kdf.ts'
import { verifyMac } from './mac.ts'

export interface KeyStoreContent {
  readonly keys: readonly KeyObject[]
  readonly certificates: readonly X509Certificate[]
  /** The first friendly name met, on the key or its certificate. */
  readonly friendlyName?: string
}

const wrongPassword = (password: string): PkiError =>
  new PkiError(
    'password',
    password === '' ? 'the file is protected: a password is needed' : 'wrong password for the file',
  )

interface Found {
  readonly keys: KeyObject[]
  readonly certificates: X509Certificate[]
  readonly names: string[]
}

function readKey(der: Buffer): KeyObject {
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  } catch (cause) {
    throw new PkiError('malformed', 'the private key in the file cannot be read', { cause })
  }
}

/** Whatever goes wrong in deciphering, the password is the likeliest cause. */
const decipher = (algorithm: Asn1, content: Buffer, password: string): Promise<Buffer> =>
  decrypt(algorithm, content, password).catch((error: unknown) => {
    throw error instanceof PkiError ? error : wrongPassword(password)
  })

/** Contents of a ContentInfo of type data, or of encryptedData once decrypted. */
async function safeOctets(info: Asn1, password: string): Promise<Buffer> {
  const type = oidOf(item(info, 0))
  if (type === dataType) return octetsOf(item(item(info, 1), 0))
  if (type !== encryptedDataType)
    throw new PkiError('malformed', 'a PKCS#12 file protected by a key, not by a password')
  const encrypted = item(item(item(info, 1), 0), 1)
  const content = tagged(items(encrypted), 0)
  if (content === undefined) throw new PkiError('malformed', 'a PKCS#12 part without content')
  return decipher(item(encrypted, 1), octetsOf(content), password)
}

async function readBag(bag: Asn1, password: string, found: Found): Promise<void> {
  const [id, wrapped, attributes] = items(bag)
  if (!id || !wrapped) throw new PkiError('malformed', 'a broken PKCS#12 bag')
  const value = item(wrapped, 0)
  const type = oidOf(id)
  if (type === bagIds.key) found.keys.push(readKey(value.raw))
  if (type === bagIds.shroudedKey) {
    found.keys.push(readKey(await decipher(item(value, 0), octetsOf(item(value, 1)), password)))
  }
  if (type === bagIds.certificate && oidOf(item(value, 0)) === x509Type) {
    found.certificates.push(readCertificate(octetsOf(item(item(value, 1), 0))))
  }
  if (type === bagIds.safeContents) for (const inner of items(value)) await readBag(inner, password, found)
  for (const one of attributes ? items(attributes) : []) {
    if (oidOf(item(one, 0)) === friendlyNameId) found.names.push(textOf(item(item(one, 1), 0)))
  }
}

/** Reads a PKCS#12 file, modern or old. RFC 7292. @throws PkiError `password` or `malformed` */
export async function readPkcs12(der: Buffer, password: string): Promise<KeyStoreContent> {
  const [version, authSafe, macData] = items(readAsn1(der))
  if (version?.tag !== 0x02 || !authSafe) throw new PkiError('malformed', 'not a PKCS#12 file')
  const content = await safeOctets(authSafe, password)
  const candidates = password === '' ? [passwordOctets(''), Buffer.alloc(0)] : [passwordOctets(password)]
  if (macData && !candidates.some((octets) => verifyMac(macData, content, octets, password)))
    throw wrongPassword(password)
  const found: Found = { keys: [], certificates: [], names: [] }
  for (const info of items(readAsn1(content))) {
    const octets = await safeOctets(info, password)
    for (const bag of items(readAsn1(octets))) await readBag(bag, password, found)
  }
  const [friendlyName] = found.names
  return { keys: found.keys, certificates: found.certificates, ...(friendlyName ? { friendlyName } : {}) }
}

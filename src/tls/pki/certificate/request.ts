import { createPublicKey, type KeyObject } from 'node:crypto'
import { type Asn1, decodeNumber, item, items, octetStringValue, oidOf, readAsn1, taggedItem } from '../der/decode.ts'
import {
  bitString,
  bmpString,
  context,
  ia5String,
  integer,
  isPrintable,
  oid,
  printableString,
  sequence,
  setOf,
} from '../der/encode.ts'
import { extensionIds, extensionRequest, nameIn, type Purpose, purposeIds } from '../der/oids.ts'
import { readPem, writePem } from '../der/pem.ts'
import { PkiError } from '../errors.ts'
import { describeKey, signSequence } from '../keys.ts'
import { unexpectedContent } from '../keystore/unexpected.ts'
import { namesMlDsa, requireMlDsa } from '../ml-dsa.ts'
import { extKeyUsage, keyUsage, publicKeyInfo, subjectAltName } from './extensions.ts'
import {
  type DistinguishedName,
  encodeDistinguishedName,
  type GeneralName,
  readGeneralName,
  readName,
} from './names.ts'
import { isSignedBy } from './signed.ts'

interface RequestContent {
  readonly subject: DistinguishedName
  readonly key: KeyObject
  readonly names: readonly GeneralName[]
  /** Writes the request as the certificate wizard of Windows Server 2003 did. */
  readonly microsoft?: boolean
  /** Further encoded extensions to request. */
  readonly extensions?: readonly Buffer[]
}

/** Attributes of the wizard's requests. Microsoft's Certificate Services read the second one. */
const microsoftIds = {
  osVersion: '1.3.6.1.4.1.311.13.2.3',
  extensions: '1.3.6.1.4.1.311.2.1.14',
  enrollmentProvider: '1.3.6.1.4.1.311.13.2.2',
} as const

const attribute = (id: string, value: Buffer): Buffer => sequence(oid(id), setOf(value))

const altNames = (names: readonly GeneralName[]): Buffer[] => (names.length === 0 ? [] : [subjectAltName(names)])

function microsoftAttributes(names: readonly GeneralName[]): Buffer[] {
  const usage = keyUsage(['digitalSignature', 'nonRepudiation', 'keyEncipherment', 'dataEncipherment'])
  const provider = sequence(
    integer(1),
    bmpString('Microsoft RSA SChannel Cryptographic Provider'),
    bitString(Buffer.alloc(136)),
  )
  return [
    attribute(microsoftIds.osVersion, ia5String('5.2.3790.2')),
    attribute(microsoftIds.extensions, sequence(usage, extKeyUsage(['serverAuth']), ...altNames(names))),
    attribute(microsoftIds.enrollmentProvider, provider),
  ]
}

/** Windows before Vista used BMPString for what PrintableString cannot hold. */
const printableOrBmp = (text: string): Buffer => (isPrintable(text) ? printableString(text) : bmpString(text))

/** Creates a certificate request in PEM. PKCS#10, RFC 2986. */
export function createRequest({ subject, key, names, microsoft = false, extensions = [] }: RequestContent): string {
  const requested = [...extensions, ...altNames(names)]
  const plain = requested.length === 0 ? [] : [attribute(extensionRequest, sequence(...requested))]
  const attributes = microsoft ? microsoftAttributes(names) : plain
  const info = sequence(
    integer(0),
    encodeDistinguishedName(subject, microsoft ? printableOrBmp : undefined),
    publicKeyInfo(key),
    context(0, ...attributes),
  )
  const old = microsoft && describeKey(key).family === 'rsa'
  return writePem(
    microsoft ? 'NEW CERTIFICATE REQUEST' : 'CERTIFICATE REQUEST',
    signSequence(info, old ? { key, hash: 'sha1' } : { key }),
  )
}

/** A parsed request. */
export interface ReadRequest {
  readonly subject: DistinguishedName
  /** The subject as encoded in the request: the certificate repeats it octet for octet. */
  readonly subjectDer: Buffer
  readonly publicKey: KeyObject
  readonly names: readonly GeneralName[]
  readonly purposes: readonly Purpose[]
  /** Whether it requests an authority's certificate. */
  readonly authority: boolean
  /** The path length that it requests for an authority. */
  readonly pathLength?: number
  /** The encoded nameConstraints that it requests for an authority. */
  readonly constraints?: Buffer
  readonly pem: string
}

function extensionsOf(info: Asn1): Map<string, Asn1> {
  const attributes = taggedItem(items(info), 0)
  const wanted = (attributes ? items(attributes) : []).filter((one) =>
    [extensionRequest, microsoftIds.extensions].includes(oidOf(item(one, 0)) as typeof extensionRequest),
  )
  const extensions = wanted.flatMap((one) => items(item(item(one, 1), 0)))
  return new Map(
    extensions.map((one) => [oidOf(item(one, 0)), readAsn1(octetStringValue(items(one).at(-1) ?? item(one, 1)))]),
  )
}

function requestDer(octets: Buffer): Buffer {
  const text = octets.toString('latin1')
  if (!text.includes('-----BEGIN')) return octets
  const block = readPem(text).find(({ label }) => /^(NEW )?CERTIFICATE REQUEST$/.test(label))
  if (block === undefined) throw unexpectedContent(octets, 'request')
  return block.der
}

function readPublicKey(spki: Buffer): KeyObject {
  try {
    return createPublicKey({ key: spki, format: 'der', type: 'spki' })
  } catch (cause) {
    if (namesMlDsa(spki)) requireMlDsa()
    throw new PkiError('malformed', 'the public key of the certificate request cannot be read', { cause })
  }
}

/** Parses a request as its three parts. RFC 2986 section 4.2. @param file what it was read from @throws PkiError `malformed` */
function requestOf(der: Buffer, file: Buffer): Asn1 {
  try {
    const whole = readAsn1(der)
    const [info, algorithm, signature] = items(whole)
    // A certificate consists of three parts, too.
    if (info && algorithm && signature && items(info).length <= 4) return whole
  } catch (cause) {
    throw unexpectedContent(file, 'request', cause)
  }
  throw unexpectedContent(file, 'request')
}

/** Parses a request in DER or PEM and verifies its signature. @throws PkiError `malformed` */
export function readRequest(octets: Buffer): ReadRequest {
  const der = requestDer(octets)
  const whole = requestOf(der, octets)
  const info = item(whole, 0)
  const publicKey = readPublicKey(item(info, 2).raw)
  // The signature proves that the requester has the private key. RFC 2986 section 3.
  if (!isSignedBy(whole, publicKey)) {
    throw new PkiError('malformed', 'the signature of the certificate request is invalid')
  }
  const extensions = extensionsOf(info)
  const names = extensions.get(extensionIds.subjectAltName)
  const purposes = extensions.get(extensionIds.extKeyUsage)
  const basic = extensions.get(extensionIds.basicConstraints)
  const [isAuthority, pathLength] = basic ? items(basic) : []
  const constraints = extensions.get(extensionIds.nameConstraints)
  return {
    subject: readName(item(info, 1)),
    subjectDer: item(info, 1).raw,
    publicKey,
    names: names ? items(names).map(readGeneralName) : [],
    purposes: (purposes ? items(purposes) : []).flatMap((id) => nameIn(purposeIds, oidOf(id)) ?? []),
    authority: isAuthority?.content[0] === 0xff,
    ...(pathLength ? { pathLength: decodeNumber(pathLength) } : {}),
    ...(constraints ? { constraints: constraints.raw } : {}),
    pem: writePem('CERTIFICATE REQUEST', der),
  }
}

import { createHash, type KeyObject, verify } from 'node:crypto'
import { isWithin } from '../dns/names.ts'
import { asciiDomain } from './author.ts'
import { type BodyHash, type Canonicalization, canonicalField } from './canonicalization.ts'
import { type PublicKey, SignatureProblem } from './key-record.ts'
import { type Field, fieldValue } from './signed-fields.ts'
import { listOf, parseTags, withoutSpace } from './tag-list.ts'

/** The kinds of signatures of whole messages. */
export type SignatureKind = 'DKIM-Signature' | 'ARC-Message-Signature'

/** A signature field with what it says. RFC 6376 section 3.5, RFC 8617 section 4.1.2. */
interface Signature {
  readonly kind: SignatureKind
  readonly field: Field
  readonly domain: string
  readonly selector: string
  readonly algorithm: Algorithm
  readonly ofHeader: Canonicalization
  readonly ofBody: Canonicalization
  /** The names of the signed fields, in lower case. */
  readonly names: readonly string[]
  readonly bodyHash: string
  readonly value: string
  readonly identity: string
  /** `l=`. */
  readonly bodyOctets: number | undefined
  readonly expiresAt: number | undefined
}

type Algorithm = 'rsa-sha256' | 'ed25519-sha256'

/** Returns whether an algorithm is supported. RFC 8301 section 3.1, RFC 8463. */
export const isAlgorithm = (text: string): text is Algorithm => text === 'rsa-sha256' || text === 'ed25519-sha256'

const syntax = (reason: string): SignatureProblem => new SignatureProblem('neutral', reason)
const permanentProblem = (reason: string): SignatureProblem => new SignatureProblem('permerror', reason)

/** Longest signature field that is read. */
export const MAX_FIELD_OCTETS = 16 * 1024

const isCanonicalization = (text: string): text is Canonicalization => text === 'simple' || text === 'relaxed'

/** Reads a signature field. RFC 6376 section 6.1.1. @throws SignatureProblem */
export function readSignature(kind: SignatureKind, field: Field): Signature {
  if (field.text.length > MAX_FIELD_OCTETS) throw syntax('the signature field is too long')
  const tags = parseTags(fieldValue(field))
  if (!tags) throw syntax('the signature is not a list of tags')
  const tag = (name: string): string | undefined => {
    const value = tags.get(name)
    return value === undefined ? undefined : withoutSpace(value)
  }
  const required = (name: string): string => {
    const value = tag(name)
    if (value === undefined || value === '') throw syntax(`the signature has no ${name}=`)
    return value
  }
  if (kind === 'DKIM-Signature' && required('v') !== '1') throw syntax('unknown version of the signature')
  const domain = asciiDomain(required('d'))
  const algorithm = required('a').toLowerCase()
  // Such signatures have failed for good. RFC 8301 section 3.1
  if (algorithm === 'rsa-sha1') throw permanentProblem('rsa-sha1 is not allowed')
  if (!isAlgorithm(algorithm)) throw syntax(`unknown algorithm ${algorithm}`)
  const [ofHeader = '', ofBody = 'simple'] = (tag('c') ?? defaultCanonicalization[kind]).toLowerCase().split('/')
  if (!isCanonicalization(ofHeader) || !isCanonicalization(ofBody)) throw syntax('unknown canonicalization')
  const names = listOf(required('h')).map((name) => name.toLowerCase())
  if (kind === 'DKIM-Signature' && !names.includes('from')) throw permanentProblem('the From field is not signed')
  const identity = tag('i') ?? `@${domain}`
  if (kind === 'DKIM-Signature' && !isWithin(asciiDomain(identity.slice(identity.lastIndexOf('@') + 1)), domain)) {
    throw permanentProblem('i= is not in the domain of d=')
  }
  const queries = tag('q')
  if (queries !== undefined && !listOf(queries).includes('dns/txt')) throw permanentProblem('the key is not in DNS')
  const expiresAt = numberOf('x', tag('x'))
  const signedAt = numberOf('t', tag('t'))
  if (expiresAt !== undefined && signedAt !== undefined && expiresAt < signedAt)
    throw permanentProblem('x= is before t=')
  return {
    kind,
    field,
    domain,
    selector: required('s'),
    algorithm,
    ofHeader,
    ofBody,
    names,
    bodyHash: required('bh'),
    value: required('b'),
    identity,
    bodyOctets: numberOf('l', tag('l')),
    expiresAt,
  }
}

/** RFC 6376 section 3.5; RFC 8617 names no default, and its verifiers take relaxed. */
const defaultCanonicalization: Readonly<Record<SignatureKind, string>> = {
  'DKIM-Signature': 'simple/simple',
  'ARC-Message-Signature': 'relaxed/relaxed',
}

function numberOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,76}$/.test(text)) throw syntax(`${name}= is not a number`)
  return Number(text)
}

/** The key of the hash that a signature needs of the body. */
export const bodyHashKey = ({ ofBody, bodyOctets }: Signature): string => `${ofBody} ${bodyOctets ?? ''}`

interface Check {
  readonly fields: readonly Field[]
  readonly bodyHash: BodyHash | undefined
  readonly minimumKeyBits: number
  readonly nowS: number
}

/** Returns why a signature is not valid; undefined if it is. RFC 6376 section 6.1.3. @throws SignatureProblem */
export function checkSignature(
  signature: Signature,
  publicKey: PublicKey,
  { fields, bodyHash, minimumKeyBits, nowS }: Check,
): string | undefined {
  const { algorithm, domain, identity, bodyOctets, expiresAt } = signature
  const flags = listOf(publicKey.tags.get('t') ?? '')
  // The key is not for subdomains. RFC 6376 section 3.6.1
  if (flags.includes('s') && asciiDomain(identity.slice(identity.lastIndexOf('@') + 1)) !== domain) {
    throw permanentProblem('the key is not for subdomains')
  }
  checkKeyBits(publicKey, minimumKeyBits)
  if (bodyOctets !== undefined && bodyHash && bodyOctets > bodyHash.octets) {
    throw permanentProblem('l= is more than the body has')
  }
  if (bodyHash?.base64 !== signature.bodyHash) return 'the body has changed'
  if (!isSigned(algorithm, publicKey.key, coveredText(signature, fields), signature.value)) {
    return 'the signature does not match the header'
  }
  if (expiresAt !== undefined && expiresAt < nowS) throw permanentProblem('the signature has expired')
  return undefined
}

/** Returns the header fields that a signature covers, in canonical form. RFC 6376 sections 3.7 and 5.4.2. */
function coveredText({ names, ofHeader, field: own }: Signature, fields: readonly Field[]): string {
  const canonical = canonicalField[ofHeader]
  const left = new Map<string, Field[]>()
  for (const field of fields) {
    if (field === own) continue
    const same = left.get(field.nameLower)
    if (same) same.push(field)
    else left.set(field.nameLower, [field])
  }
  const covered: string[] = []
  for (const name of names) {
    const field = left.get(name)?.pop()
    if (field) covered.push(`${canonical(field.text)}\r\n`)
  }
  covered.push(canonical(withoutSignature(own.text)))
  return covered.join('')
}

/** Returns a signature field without the value of `b=` and the white space around it. RFC 6376 section 3.7. */
export const withoutSignature = (field: string): string =>
  field.replace(/((?:^[^:]*:|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*/, '$1')

/** Returns whether a signature matches a text. @param text as latin1 @param value in base64 */
export function isSigned(algorithm: Algorithm, key: KeyObject, text: string, value: string): boolean {
  const octets = Buffer.from(text, 'latin1')
  const signature = Buffer.from(value, 'base64')
  return algorithm === 'rsa-sha256'
    ? verify('sha256', octets, key, signature)
    : verify(null, createHash('sha256').update(octets).digest(), key, signature) // RFC 8463 section 3
}

/** @throws SignatureProblem if a key is too short */
export function checkKeyBits({ bits }: PublicKey, minimum: number): void {
  if (bits === undefined || bits >= minimum) return
  throw new SignatureProblem('policy', `the key has ${bits} bits, and less than ${minimum} do not count`)
}

import { type Asn1, items, oidOf, readAsn1 } from '../der/decode.ts'
import { tags } from '../der/encode.ts'
import { readPem } from '../der/pem.ts'

/** The content of a file that people hand to the lab. */
export type Content =
  | 'empty'
  | 'utf16'
  | 'cut-off'
  | 'html'
  | 'request'
  | 'certificate'
  | 'crl'
  | 'pkcs7'
  | 'pkcs12'
  | 'private-key'
  | 'public-key'
  | 'pgp'
  | 'java-keystore'
  | 'archive'
  | 'pdf'
  | 'other-pem'
  | 'text'
  | 'unknown'

/**
 * Returns what octets look like, for messages about files of the wrong kind. Looks at the outer structure only: a file that
 * looks like a certificate can still be damaged.
 */
export function detectContent(octets: Buffer): Content {
  const text = octets.toString('latin1')
  if (text.trim() === '') return 'empty'
  if (isUtf16(octets)) return 'utf16'
  const known = signatures.find(({ pattern }) => pattern.test(text.slice(0, START)))
  if (known) return known.content
  if (text.includes('-----BEGIN ')) return pemContent(text)
  if (octets[0] === CONSTRUCTED) return derContent(octets)
  const base64 = /^[A-Za-z0-9+/=\s]+$/.test(text) ? Buffer.from(text, 'base64') : undefined
  if (base64?.[0] === CONSTRUCTED) return derContent(base64)
  return /[\x00-\x08\x0e-\x1f]/.test(text.slice(0, START)) ? 'unknown' : 'text'
}

/** Octets at the beginning that are examined. */
const START = 2048
/** The first octet of every structure of PKI in DER: a SEQUENCE. */
const CONSTRUCTED = tags.sequence

/** Kinds of files that begin in a way of their own. */
const signatures: readonly { readonly pattern: RegExp; readonly content: Content }[] = [
  { pattern: /^\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|body)\b/i, content: 'html' },
  { pattern: /^\s*<\?xml[^>]*>[\s\S]*<html\b/i, content: 'html' },
  { pattern: /^\xfe\xed\xfe\xed|^\xce\xce\xce\xce/, content: 'java-keystore' },
  { pattern: /^PK\x03\x04|^\x1f\x8b|^7z\xbc\xaf|^Rar!/, content: 'archive' },
  { pattern: /^%PDF-/, content: 'pdf' },
  { pattern: /^(?:ssh-|ecdsa-sha2-)\S+ [A-Za-z0-9+/]/, content: 'public-key' },
]

/** Returns whether octets are UTF-16: with its mark, or with every second of the first octets zero. */
function isUtf16(octets: Buffer): boolean {
  const mark = octets.toString('hex', 0, 2)
  if (mark === 'fffe' || mark === 'feff') return true
  const start = octets.subarray(0, 32)
  return start.length >= 8 && [0, 1].some((odd) => start.every((octet, at) => (at % 2 === odd) === (octet === 0)))
}

/** PEM labels, most telling first: a file with a certificate and a key is one with a certificate. */
const labels: readonly { readonly pattern: RegExp; readonly content: Content }[] = [
  { pattern: /CERTIFICATE REQUEST$/, content: 'request' },
  { pattern: /CERTIFICATE$/, content: 'certificate' },
  { pattern: /^(PKCS7|CMS)$/, content: 'pkcs7' },
  { pattern: /^X509 CRL$/, content: 'crl' },
  { pattern: /PRIVATE KEY$/, content: 'private-key' },
  { pattern: /PUBLIC KEY$/, content: 'public-key' },
  { pattern: /^PGP /, content: 'pgp' },
]

function pemContent(text: string): Content {
  const begun = [...text.matchAll(/-----BEGIN ([^\r\n-]+)-----/g)].map((match) => match[1] ?? '')
  const complete = readPem(text).length
  if (complete < begun.length || complete === 0) return 'cut-off'
  const found = labels.find(({ pattern }) => begun.some((label) => pattern.test(label)))
  return found?.content ?? 'other-pem'
}

function derContent(der: Buffer): Content {
  if (isCutOff(der)) return 'cut-off'
  try {
    return kindOf(readAsn1(der))
  } catch {
    return 'unknown'
  }
}

/** Returns whether the length at the beginning exceeds the octets that are there. */
function isCutOff(der: Buffer): boolean {
  const first = der[1] ?? 0
  const count = first < 0x80 ? 0 : first & 0x7f
  // An indefinite length (0x80) does not say.
  if (first === 0x80 || count > 4) return false
  if (der.length < 2 + count) return true
  const length = count === 0 ? first : der.readUIntBE(2, count)
  return der.length < 2 + count + length
}

/** Returns the kind of a structure by its first members. RFC 5280, 2986, 5958, 7292, 5652. */
function kindOf(whole: Asn1): Content {
  const [first, second] = items(whole)
  if (first?.tag === tags.oid) return oidOf(first).startsWith('1.2.840.113549.1.7.') ? 'pkcs7' : 'unknown'
  if (first?.tag === tags.integer) return first.content[0] === 3 && isContentInfo(second) ? 'pkcs12' : 'private-key'
  if (first?.tag !== tags.sequence) return 'unknown'
  if (second?.tag === tags.bitString) return 'public-key'
  if (second?.tag === tags.octetString) return 'private-key'
  const inner = items(first)
  if (inner[0]?.tag === 0xa0) return 'certificate'
  const isTime = ({ tag }: Asn1): boolean => tag === tags.utcTime || tag === tags.generalizedTime
  if (inner.some(isTime)) return 'crl'
  // Version, subject, public key, attributes.
  return inner[0]?.tag === tags.integer && inner.at(-1)?.tag === 0xa0 ? 'request' : 'certificate'
}

const isContentInfo = (value: Asn1 | undefined): boolean =>
  value?.tag === tags.sequence && items(value)[0]?.tag === tags.oid

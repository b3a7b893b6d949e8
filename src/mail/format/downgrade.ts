import { isUtf8 } from 'node:buffer'
import { domainToASCII } from 'node:url'
import { isWritten, parseAddresses } from './addresses.ts'
import { headerBlockEnd, headerFields, unfoldValue } from './headers.ts'
import type { Address, HeaderField, OctetString } from './types.ts'

const NOT_ASCII = /[^\x00-\x7f]/

/**
 * Returns a message whose header has only ASCII, for a client that does not know RFC 6532; the message itself if its header
 * has nothing else, or has octets that are not UTF-8. Names and texts become encoded words, addresses that ASCII cannot write
 * become invalid ones, and other fields are left out. Headers of MIME parts stay as they are. RFC 6857, RFC 6858.
 */
export function downgradeHeader(raw: Buffer): Buffer {
  const end = headerBlockEnd(raw)
  const header = raw.subarray(0, end)
  if (!NOT_ASCII.test(header.toString('latin1')) || !isUtf8(header)) return raw
  const pieces: Buffer[] = []
  let from = 0
  for (const field of headerFields(raw, 0, end)) {
    if (!NOT_ASCII.test(raw.toString('latin1', field.start, field.end))) continue
    pieces.push(raw.subarray(from, field.start), Buffer.from(asciiField(raw, field), 'latin1'))
    from = field.end
  }
  return Buffer.concat([...pieces, raw.subarray(from)])
}

/** How the value of a field is written in ASCII. Other fields are texts. */
type Rewrite = (value: OctetString) => string

const rewrites: ReadonlyMap<string, Rewrite> = new Map([
  ...'from sender reply-to to cc bcc resent-from resent-sender resent-to resent-cc resent-bcc disposition-notification-to'
    .split(' ')
    .map((name) => [name, asciiAddresses] as const),
  ['content-type', asciiParameters],
  ['content-disposition', asciiParameters],
])

/** Fields with a syntax in which ASCII cannot stand for the value. RFC 6858 section 2.4 */
const LEFT_OUT = new Set(
  `received return-path message-id references in-reply-to resent-message-id date resent-date mime-version content-id
  content-transfer-encoding delivered-to dkim-signature authentication-results newsgroups path xref`.split(/\s+/),
)

function asciiField(raw: Buffer, field: HeaderField): string {
  const { name, nameLower } = field
  if (name === '' || NOT_ASCII.test(name) || LEFT_OUT.has(nameLower)) return ''
  const value = unfoldValue(raw, field)
  return `${name}: ${(rewrites.get(nameLower) ?? encodedWords)(value)}\r\n`
}

/** Octets of UTF-8 in an encoded word, which has at most 75 characters. RFC 2047 section 2 */
const WORD_OCTETS = 45

/** Returns a text as encoded words, one to a line. RFC 2047. */
function encodedWords(value: OctetString): string {
  const words: string[] = []
  let word = ''
  for (const character of decodeUtf8(value)) {
    if (Buffer.byteLength(word + character) > WORD_OCTETS) {
      words.push(word)
      word = ''
    }
    word += character
  }
  return [...words, word].map((text) => `=?UTF-8?B?${Buffer.from(text).toString('base64')}?=`).join('\r\n ')
}

const decodeUtf8 = (value: OctetString): string => Buffer.from(value, 'latin1').toString('utf8')

/** Returns an address list in ASCII. */
function asciiAddresses(value: OctetString): string {
  const shown: string[] = []
  for (const address of parseAddresses(value)) {
    // The name and the end of a group have no host; its members stay. RFC 5322 section 3.4
    if (address.mailbox !== undefined && address.host !== undefined) shown.push(asciiAddress(address))
  }
  return shown.length > 0 ? shown.join(',\r\n ') : INVALID
}

/** Stands for an address that ASCII cannot write. RFC 6858 section 2.1 */
const INVALID = '<invalid@internationalized-address.invalid>'

function asciiAddress(address: Address): string {
  const { name = '', mailbox = '', host = '' } = address
  const domain = NOT_ASCII.test(host) ? domainToASCII(decodeUtf8(host)) : host
  const isLost = NOT_ASCII.test(mailbox) || domain === '' || !isWritten(address)
  const localPart = /^[\w!#$%&'*+/=?^`{|}~.-]+$/.test(mailbox) ? mailbox : quoteText(mailbox)
  const angle = isLost ? INVALID : `<${localPart}@${domain}>`
  if (name === '') return angle
  return `${NOT_ASCII.test(name) ? encodedWords(name) : quoteText(name)} ${angle}`
}

const quoteText = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`

/** Returns a MIME field whose parameters outside ASCII are written in the form of RFC 2231 section 4. */
function asciiParameters(value: OctetString): string {
  const shown = value.replace(
    /;\s*([\w-]+)\*?=("(?:[^"\\]|\\.)*"|[^;\s]*)/g,
    (whole, name: string, written: string) => {
      if (!NOT_ASCII.test(whole)) return whole
      const text = decodeUtf8(written.replace(/^"|"$/g, '').replace(/\\(.)/g, '$1'))
      return `;\r\n ${name}*=utf-8''${encodeURIComponent(text).replace(/['()*]/g, percentEncoded)}`
    },
  )
  return shown.replace(/[^\x00-\x7f]/g, '?')
}

const percentEncoded = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`

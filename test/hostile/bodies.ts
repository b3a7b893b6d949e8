import { deflateSync } from 'node:zlib'
import { context, integer, octetString, oid, sequence } from '../../src/tls/pki/der/encode.ts'

/** Returns a text repeated to about `octets` octets. */
export const repeated = (text: string, octets: number): string => text.repeat(Math.ceil(octets / text.length))

const CRLF = '\r\n'
const HEADER = 'From: a@lab.test\r\nTo: alice@lab.test\r\nMIME-Version: 1.0\r\n'

/** Returns a message with a subject by which tests find it. */
const mail = (subject: string, rest: string): Buffer => Buffer.from(`${HEADER}Subject: ${subject}\r\n${rest}`, 'latin1')

/** Returns base64 in lines. */
const encoded = (octets: Buffer): string => octets.toString('base64').replace(/.{76}/g, `$&${CRLF}`)

/** Returns the base64 of a repeated text, which is encoded once. @param text of 57 characters, one line */
const encodedText = (text: string, octets: number): string =>
  repeated(`${Buffer.from(text).toString('base64')}${CRLF}`, Math.floor((octets * 4) / 3))

/** A CompressedData of an entity. RFC 3274 section 1.1. */
function compressed(entity: Buffer): Buffer {
  const algorithm = sequence(oid('1.2.840.113549.1.9.16.3.8'))
  const content = context(0, octetString(deflateSync(entity, { level: 9 })))
  const data = sequence(integer(0), algorithm, sequence(oid('1.2.840.113549.1.7.1'), content))
  return sequence(oid('1.2.840.113549.1.9.16.1.9'), context(0, data))
}

const P7M = 'Content-Type: application/pkcs7-mime; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n'
const HTML = 'Content-Type: text/html; charset=utf-8\r\n\r\n'
const UTF8 = 'Content-Type: text/plain; charset=utf-8\r\n'

const bomb = (type: string, text: string, octets: number): string =>
  P7M + encoded(compressed(Buffer.from(`Content-Type: ${type}\r\n\r\n${repeated(text, octets)}`, 'latin1')))

function nested(depth: number, octets: number): string {
  const open = Array.from(
    { length: depth },
    (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n`,
  )
  return `${open.join('')}\r\n${repeated('text\r\n', octets)}`
}

const parts = (part: string, octets: number): string =>
  `Content-Type: multipart/mixed; boundary=b\r\n\r\n${repeated(`--b\r\n${part}`, octets)}--b--\r\n`

/** Messages made to take time or memory when somebody looks at them, by name. @param octets about the size of large ones */
export function hostileBodies(octets: number): Readonly<Record<string, Buffer>> {
  const inflated = Math.floor(octets * 1.3)
  const bodies: Record<string, string> = {
    'compressed-data of code-like words': bomb('text/plain', 'AB12CD code: 123456 ', inflated),
    'compressed-data of line ends': bomb('text/plain', CRLF, inflated),
    'compressed-data of HTML': bomb('text/html', '<a href="http://a.test/1">1</a><br>', inflated),
    'compressed-data of parts': P7M + encoded(compressed(Buffer.from(parts('\r\n\r\nx\r\n', inflated), 'latin1'))),
    'code-like words': CRLF + repeated('AB12CD 1234-5678 code: 123456\r\n', octets),
    'code-like words in one line': CRLF + repeated('AB12CD 1234 pin ', octets),
    'line ends': CRLF + repeated(CRLF, octets),
    'line feeds in base64': `${UTF8}Content-Transfer-Encoding: base64\r\n\r\n${encodedText('\n'.repeat(57), octets * 0.7)}`,
    'text beyond Latin-1': `${UTF8}Content-Transfer-Encoding: base64\r\n\r\n${encodedText('\u3042'.repeat(19), octets * 0.7)}`,
    // One character of three octets becomes 18 where texts are compared.
    'text that grows': `${UTF8}Content-Transfer-Encoding: base64\r\n\r\n${encodedText('\ufdfa'.repeat(19), octets * 0.7)}`,
    'quoted-printable': `${UTF8}Content-Transfer-Encoding: quoted-printable\r\n\r\n${repeated('=E3=81=82 =\r\n', octets)}`,
    'a long word before an ASCII domain': `${CRLF}${'a'.repeat(131_072)} xn--a\r\n`,
    links: CRLF + repeated('http://a.test/x) mailto:a@b.test (https://c.test/(((.,;\r\n', octets),
    'HTML of links': HTML + repeated('<a href="http://a.test/1">1</a>\r\n', octets),
    'HTML of line breaks': HTML + repeated('<br>', octets),
    'HTML of images': HTML + repeated('<img src="cid:x">', octets),
    'HTML of entities': HTML + repeated('&#x3000;&amp;', octets),
    'HTML that is never closed': HTML + repeated('<div title="', octets),
    'unsafe HTML': HTML + repeated('<link http-equiv color-scheme: dark ', octets),
    'a deep calendar': `Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\n${repeated('BEGIN:X\r\n', octets)}`,
    'deep MIME': nested(100_000, octets / 4),
    'messages in messages': repeated('Content-Type: message/rfc822\r\n\r\n', octets),
    'many parts': parts('Content-Type: text/plain; name=a\r\n\r\nx\r\n', octets),
    'large attachments': parts(
      `Content-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n${encodedText('z'.repeat(57), octets / 2)}`,
      octets / 2,
    ),
    'many header fields': `${repeated('X-Same: =?utf-8?q?=E3=81=82?=\r\n', octets)}\r\nx\r\n`,
    'a long header field': `References: ${repeated('<a@b> ', octets)}\r\n\r\nx\r\n`,
    'many addresses': `Cc: ${repeated('"a" <a@b.test>, (c) ', octets)}\r\n\r\nx\r\n`,
    'control characters': CRLF + repeated(`${'\x01'.repeat(70)}\r\n`, octets),
  }
  return Object.fromEntries(Object.entries(bodies).map(([name, rest]) => [name, mail(name, rest)]))
}

import { expect, test } from 'vitest'
import { assertAcceptable } from '../../servers/http/accept.ts'
import { forwardedElements, nodeAddress } from '../../servers/http/forwarded-field.ts'
import { parseAuthenticate, parseNegotiate } from '../../src/accounts/directory/sasl/ntlm/messages.ts'
import { parseOAuthBearer, parseXOAuth2 } from '../../src/accounts/directory/sasl/oauth-messages.ts'
import { parseClientFinal, parseClientFirst } from '../../src/accounts/directory/sasl/scram/messages.ts'
import { ApiProblem } from '../../src/api/problem.ts'
import { runToEnd } from '../../src/core/time/time-slice.ts'
import { seededRandom } from '../../src/core/values/random.ts'
import { parseAddresses } from '../../src/mail/format/addresses.ts'
import { parseDate, parseImapDateTime, parseZonedDate } from '../../src/mail/format/dates.ts'
import { htmlText } from '../../src/mail/format/html-text.ts'
import { htmlLinkSteps } from '../../src/mail/format/links.ts'
import { readable } from '../../src/mail/format/readable.ts'
import { readContentInfo, readSignedData } from '../../src/mail/smime/cms/content.ts'
import { readEnvelopedData } from '../../src/mail/smime/cms/enveloped.ts'
import { readBinaryHeader } from '../../src/net/proxy-protocol/binary-header.ts'
import { readProxyHeader } from '../../src/net/proxy-protocol/header.ts'
import { readAsn1 } from '../../src/tls/pki/der/decode.ts'
import { context, integer, octetString, oid, sequence, setOf } from '../../src/tls/pki/der/encode.ts'
import { readPem } from '../../src/tls/pki/der/pem.ts'
import { PkiError } from '../../src/tls/pki/errors.ts'
import { decodeMessage } from '../../src/transport/dns/message.ts'
import { mutate } from './mutate.ts'

// Parsers of octets that others send. `npm run test:fuzz` and the weekly workflow run them longer.

const ROUNDS = Number(process.env.SEALPOST_FUZZ_ROUNDS ?? '20') * 20
const seed = Number(process.env.SEALPOST_SEED ?? Date.now() % 1e9)

interface Parser {
  readonly parse: (octets: Buffer) => unknown
  readonly examples: readonly Buffer[]
  /** The errors that callers expect. Default: none. */
  readonly errors?: readonly (new (
    ...args: never[]
  ) => Error)[]
}

const text = (...examples: string[]): Buffer[] => examples.map((one) => Buffer.from(one, 'latin1'))
const hex = (...examples: string[]): Buffer[] => examples.map((one) => Buffer.from(one.replaceAll(' ', ''), 'hex'))

const algorithm = sequence(oid('1.2.840.113549.1.1.11'))
const signer = sequence(sequence(), integer(1))
const contentInfo = (type: string, ...parts: readonly Buffer[]): Buffer =>
  sequence(oid(`1.2.840.113549.1.7.${type}`), context(0, sequence(...parts)))

const parsers: Readonly<Record<string, Parser>> = {
  addresses: {
    parse: (octets) => parseAddresses(octets.toString('latin1') as never),
    examples: text('"A, B" <a@b.test>, (c (d)) e@f.test, G: h@i.test, j@[127.0.0.1];', '=?utf-8?Q?=C3=A9?= <x@y>'),
  },
  dates: {
    parse: (octets) => [parseDate, parseZonedDate, parseImapDateTime].map((parse) => parse(octets.toString('latin1'))),
    examples: text('Tue, 01 Dec 2026 17:00:00 +0100 (CET)', '01-Dec-2026 17:00:00 +0000', '1 Jan 70 0:0 EST'),
  },
  'HTML to text': {
    parse: (octets) => [htmlText(octets.toString()), runToEnd(htmlLinkSteps(octets.toString()))],
    examples: text('<p>a<br>b<table><tr><td>c</table><a href="http://d.test/?e&amp;f">g</a><!-- h --><style>i</style>'),
  },
  'PROXY, version 1 and 2': {
    parse: readProxyHeader,
    examples: [
      ...text('PROXY TCP4 192.0.2.1 192.0.2.2 1000 25\r\n', 'PROXY UNKNOWN\r\n'),
      ...hex('0d0a0d0a000d0a515549540a 21 11 000c c0000201 c0000202 03e8 0019'),
    ],
  },
  'PROXY, version 2': {
    parse: readBinaryHeader,
    examples: hex('0d0a0d0a000d0a515549540a 21 11 0013 c0000201 c0000202 03e8 0019 01 0004 68322020'),
  },
  'ASN.1': {
    parse: readAsn1,
    errors: [PkiError],
    examples: hex('3009 020101 0c02 6869 0500', '3080 0201 01 0000', '30 82 0005 30 03 02 01 02'),
  },
  'S/MIME': {
    parse: (octets) => {
      const { type, content } = readContentInfo(octets)
      return type.endsWith('2') ? readSignedData(content) : readEnvelopedData(content)
    },
    errors: [PkiError],
    examples: [
      contentInfo(
        '2',
        integer(1),
        setOf(algorithm),
        sequence(oid('1.2.840.113549.1.7.1'), context(0, octetString(Buffer.from('x')))),
        setOf(sequence(integer(1), signer, algorithm, algorithm, octetString(Buffer.alloc(4)))),
      ),
      contentInfo(
        '3',
        integer(0),
        setOf(sequence(integer(0), signer, algorithm, octetString(Buffer.alloc(4)))),
        sequence(oid('1.2.840.113549.1.7.1'), algorithm, octetString(Buffer.alloc(4))),
      ),
    ],
  },
  MIME: {
    parse: (octets) => {
      const { subject, from, to, date, messageId, text: shown, html, attachments, headers } = readable(octets)
      return [subject, from, to, date, messageId, shown, html, attachments, headers]
    },
    examples: text(
      'From: =?utf-8?B?w6k=?= <a@b.test>\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nx\r\n--b\r\nContent-Type: text/html; charset=utf-16\r\nContent-Transfer-Encoding: base64\r\n\r\nPGI+eDwvYj4=\r\n--b--\r\n',
      "Subject: x\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nSubject: y=\r\n=20\r\nContent-Disposition: attachment; filename*0*=utf-8''a%20; filename*1=b\r\n\r\nz=C3=A9=\r\n",
    ),
  },
  'Accept of HTTP': {
    parse: (octets) => assertAcceptable(octets.toString('latin1'), ['application/json']),
    errors: [ApiProblem],
    examples: text('application/json;q=0.5, */*;q=0.1', 'application/json; a="b,c"; q=1, text/html'),
  },
  'Forwarded of HTTP': {
    parse: (octets) => {
      const field = octets.toString('latin1')
      return [forwardedElements(field)?.map((one) => nodeAddress(one.get('for') ?? '')), nodeAddress(field)]
    },
    examples: text('for="[2001:db8::7]:4711";proto=https;by=_x, for=192.0.2.7', '[::1]:25'),
  },
  'messages of SASL': {
    parse: (octets) =>
      [parseClientFirst, parseClientFinal, parseXOAuth2, parseOAuthBearer].map((parse) => parse(octets.toString())),
    examples: text(
      'p=tls-exporter,a=b,n=user,r=nonce',
      'c=biws,r=nonce,p=cHJvb2Y=',
      'user=a\x01auth=Bearer x\x01\x01',
      'n,a=user,\x01host=h\x01auth=Bearer x\x01\x01',
    ),
  },
  NTLM: {
    parse: (octets) => [parseNegotiate(octets), parseAuthenticate(octets, 0xe2898235), parseAuthenticate(octets, 0)],
    examples: [
      Buffer.from('NTLMSSP\0\x01\0\0\0\x97\x82\x08\xe2', 'latin1'),
      Buffer.concat([
        Buffer.from('NTLMSSP\0\x03\0\0\0', 'latin1'),
        hex(
          '1800 1800 40000000 1800 1800 58000000 0000 0000 40000000 0400 0400 70000000 0000 0000 40000000',
        )[0] as Buffer,
        hex('1000 1000 74000000 358289e2')[0] as Buffer,
        Buffer.alloc(0x48, 'a'),
      ]),
    ],
  },
  PEM: {
    parse: (octets) => readPem(octets.toString('latin1')),
    examples: text('-----BEGIN X-----\nA: b\n\nMAMCAQE=\n-----END X-----\n'),
  },
  DNS: {
    parse: (octets) => {
      try {
        return decodeMessage(octets)
      } catch (error) {
        // The resolver reports an error of any kind as a failed lookup. A TypeError would be one of the parser itself.
        expect(error).not.toBeInstanceOf(TypeError)
        return undefined
      }
    },
    examples: hex(
      '1234 0100 0001 0000 0000 0000 03 777777 03 6c6162 04 74657374 00 0001 0001',
      '1234 8180 0001 0001 0000 0000 01 61 00 0001 0001 c00c 0005 0001 0000003c 0002 c00c',
    ),
  },
}

test.each(Object.entries(parsers))('%s', (name, { parse, examples, errors = [] }) => {
  for (const example of examples) expect(() => parse(example)).not.toThrow()
  const random = seededRandom(seed + name.length)
  for (let round = 0; round < ROUNDS; round++) {
    const octets = mutate(mutate(examples[round % examples.length] as Buffer, random), random)
    try {
      parse(octets)
    } catch (error) {
      const isExpected = errors.some((expected) => error instanceof expected)
      if (!isExpected)
        throw new Error(`seed ${seed}, round ${round}: ${octets.toString('hex').slice(0, 2000)}`, { cause: error })
    }
  }
})

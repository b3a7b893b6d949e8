import { describe, expect, test } from 'vitest'
import { runToEnd } from '../../../src/core/time/time-slice.ts'
import { seededRandom } from '../../../src/core/values/random.ts'
import { decodeBase64, quotedPrintableSteps } from '../../../src/mail/format/encodings.ts'
import { partOctetsInSteps, partOctetsOrRaw, partText } from '../../../src/mail/format/parts.ts'
import { parseMessage } from '../../../src/mail/format/structure.ts'

const octets = (text: string): Buffer => Buffer.from(text, 'latin1')

describe('base64 (RFC 2045 section 6.8)', () => {
  test.each([
    ['YWJj', 'abc'],
    ['YWI=', 'ab'],
    ['YQ==', 'a'],
    ['YW\r\nJ j!', 'abc'],
    ['YQ==YWI=', 'aab'],
    ['YWJ', 'ab'],
    ['Y', ''],
    ['', ''],
    ['_-..', ''],
  ])('%j is %j', (encoded, text) => {
    expect(decodeBase64(octets(encoded)).toString('latin1')).toBe(text)
  })

  test('decodes what Node.js encoded', () => {
    const random = seededRandom(1)
    for (let size = 0; size < 300; size++) {
      const plain = Buffer.from(Array.from({ length: size }, () => Math.floor(random() * 256)))
      const encoded = plain.toString('base64').replace(/.{76}/g, '$&\r\n')
      expect(decodeBase64(octets(encoded))).toEqual(plain)
    }
  })
})

describe('quoted-printable (RFC 2045 section 6.7)', () => {
  test.each([
    ['a=3Db', 'a=b'],
    ['a=3db=c3=A4', 'a=b\xc3\xa4'],
    ['a=\r\nb', 'ab'],
    ['a=\nb', 'ab'],
    ['a= \t\r\nb', 'ab'],
    ['a \t\r\nb', 'a\r\nb'],
    ['a  ', 'a'],
    ['a=20\r\n', 'a \r\n'],
    ['a=', 'a'],
    ['a=zz=4', 'a=zz=4'],
    ['a\rb', 'a\rb'],
    ['\n\n', '\n\n'],
    ['', ''],
  ])('%j is %j', (encoded, text) => {
    expect(runToEnd(quotedPrintableSteps(octets(encoded))).toString('latin1')).toBe(text)
  })
})

describe('parts', () => {
  const message = (header: string, body: string): Buffer => octets(`MIME-Version: 1.0\r\n${header}\r\n\r\n${body}`)

  test('without an encoding are views of the message', () => {
    const raw = message('Content-Transfer-Encoding: 8bit', 'body')
    const content = runToEnd(partOctetsInSteps(raw, parseMessage(raw)))
    expect(content.toString()).toBe('body')
    expect(content.buffer).toBe(raw.buffer)
  })

  test.each(['7bit', '8BIT', 'binary'])('with the encoding %s are not decoded', (encoding) => {
    const raw = message(`Content-Transfer-Encoding: ${encoding}`, 'a=3Db ')
    expect(runToEnd(partOctetsInSteps(raw, parseMessage(raw))).toString()).toBe('a=3Db ')
  })

  test('that are multiparts are not decoded', () => {
    const raw = message(
      'Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: base64',
      '--b\r\n\r\nx',
    )
    expect(runToEnd(partOctetsInSteps(raw, parseMessage(raw))).toString()).toBe('--b\r\n\r\nx')
  })

  test('of an unknown encoding cause an error, or are returned as they are', () => {
    const raw = message('Content-Transfer-Encoding: x-uuencode', 'body')
    expect(() => runToEnd(partOctetsInSteps(raw, parseMessage(raw)))).toThrow(
      expect.objectContaining({ code: 'unknown-encoding' }),
    )
    expect(partOctetsOrRaw(raw, parseMessage(raw)).toString()).toBe('body')
  })

  test('are decoded with their charset', () => {
    const raw = message('Content-Type: text/plain; charset=koi8-r\r\nContent-Transfer-Encoding: base64', '8NLJ18XU')
    expect(partText(raw, parseMessage(raw))).toBe('Привет')
  })
})

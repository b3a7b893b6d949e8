import { describe, expect, it } from 'vitest'
import { parseClientHello, parseSslv2ClientHello } from '../../src/tls/client-hello.ts'
import { readClientHello } from '../../src/tls/client-hello-reader.ts'
import { MalformedMessage, uint16, vector } from '../../src/tls/octets.ts'

interface Parts {
  readonly sessionId?: Buffer
  readonly suites?: Buffer
  /** Octets after the compression methods. */
  readonly tail?: Buffer
}

/** Returns the body of a TLS 1.0 ClientHello. */
function body({ sessionId = Buffer.alloc(0), suites = uint16(0x002f), tail = Buffer.alloc(0) }: Parts = {}): Buffer {
  return Buffer.concat([
    uint16(0x0301),
    Buffer.alloc(32, 7),
    vector(1, sessionId),
    vector(2, suites),
    vector(1, Buffer.of(0)),
    tail,
  ])
}

/** Returns the body in a handshake message in records of at most `size` octets. */
function records(content: Buffer, size = 0x4000): Buffer {
  const message = Buffer.concat([Buffer.of(1), vector(3, content)])
  const out: Buffer[] = []
  for (let at = 0; at < message.length; at += size) {
    out.push(Buffer.of(22, 3, 1), vector(2, message.subarray(at, at + size)))
  }
  return Buffer.concat(out)
}

const extension = (type: number, content: Buffer): Buffer => Buffer.concat([uint16(type), vector(2, content)])
const extensions = (...list: readonly Buffer[]): Buffer => vector(2, Buffer.concat(list))
const serverName = (name: string): Buffer =>
  vector(2, Buffer.concat([Buffer.of(0), vector(2, Buffer.from(name, 'latin1'))]))

describe('the facts of a ClientHello', () => {
  it.each([1, 5, 0x4000])('are read from records of %i octets', (size) => {
    const tail = extensions(
      extension(0, serverName('mail.lab.test')),
      extension(16, vector(2, vector(1, Buffer.from('imap')))),
      extension(43, vector(1, Buffer.concat([0x3a3a, 0x0304, 0x0303].map(uint16)))),
      extension(51, vector(2, Buffer.concat([uint16(0x001d), vector(2, Buffer.alloc(32))]))),
    )
    const suites = Buffer.concat([0x1a1a, 0x1301, 0x00ff, 0x5600].map(uint16))
    expect(readClientHello(records(body({ suites, tail }), size))).toEqual({
      kind: 'hello',
      sslv2: false,
      facts: {
        versions: ['TLSv1.3', 'TLSv1.2'],
        suites: [0x1301],
        alpn: ['imap'],
        serverName: 'mail.lab.test',
        keyShares: [0x001d],
      },
    })
  })

  it('need the complete message, and nothing else', () => {
    const whole = records(body())
    for (let octets = 0; octets < whole.length; octets++) {
      expect(readClientHello(whole.subarray(0, octets)).kind).toBe('more')
    }
    expect(readClientHello(whole).kind).toBe('hello')
    expect(readClientHello(Buffer.from('EHLO me\r\n')).kind).toBe('not-tls')
  })

  it('are recorded even if the message has defects', () => {
    const tail = extensions(extension(5, Buffer.of(1)), extension(5, Buffer.of(2)))
    expect(readClientHello(records(body({ sessionId: Buffer.alloc(40), tail }))).kind).toBe('hello')
  })
})

describe('defects, which the legacy engine rejects', () => {
  it.each([
    ['none', {}, []],
    ['a long session id', { sessionId: Buffer.alloc(33) }, ['a session id of more than 32 octets']],
    ['half a suite', { suites: Buffer.of(0, 0x2f, 0) }, ['an odd length of suites']],
    ['one octet at the end', { tail: Buffer.of(0) }, ['a message that ends too early']],
    [
      'an extension sent twice',
      { tail: extensions(extension(5, Buffer.of(1)), extension(5, Buffer.of(2))) },
      ['an extension sent twice'],
    ],
    ['half an extension', { tail: extensions(Buffer.of(0, 5)) }, ['a message that ends too early']],
    ['an empty server_name', { tail: extensions(extension(0, Buffer.alloc(2))) }, ['wrong lengths in server_name']],
  ] as const)('%s', (_, parts, defects) => {
    expect(parseClientHello(body(parts)).defects).toEqual(defects)
  })

  it.each([
    ['none', { challenge: 16 }, 0],
    ['a short challenge', { challenge: 8 }, 1],
    ['a long challenge', { challenge: 33 }, 1],
    ['an incomplete suite', { challenge: 16, specs: 4 }, 1],
    ['octets after the challenge', { challenge: 16, rest: 1 }, 1],
  ])(
    'in SSL 2.0 format: %s',
    (_, { challenge, specs = 3, rest = 0 }: { challenge: number; specs?: number; rest?: number }, count) => {
      const lengths = [specs, 0, challenge].map(uint16)
      const message = Buffer.concat([Buffer.of(1), uint16(0x0301), ...lengths, Buffer.alloc(specs + challenge + rest)])
      expect(parseSslv2ClientHello(message).defects).toHaveLength(count)
    },
  )

  it('do not include a message that cannot be parsed', () => {
    expect(() => parseClientHello(body().subarray(0, 20))).toThrow(MalformedMessage)
    expect(() => parseSslv2ClientHello(Buffer.of(1, 3))).toThrow(MalformedMessage)
  })
})

import { describe, expect, it } from 'vitest'
import { parseClientHello, parseSslv2ClientHello } from '../../../src/tls/negotiation/client-hello.ts'
import { readClientHello } from '../../../src/tls/negotiation/client-hello-reader.ts'
import { MalformedMessage, uint16, vector } from '../../../src/tls/negotiation/octets.ts'
import {
  alpn,
  helloBody as body,
  extension,
  extensions,
  keyShares,
  helloRecords as records,
  serverName,
  signatureAlgorithms,
  supportedGroups,
  supportedVersions,
} from '../../support/client-hello.ts'

describe('the facts of a ClientHello', () => {
  it.each([1, 5, 0x4000])('are read from records of %i octets', (size) => {
    const tail = extensions(
      serverName('mail.lab.test'),
      alpn('imap'),
      supportedVersions(0x3a3a, 0x0304, 0x0303),
      keyShares(0x001d),
    )
    const suites = [0x1a1a, 0x1301, 0x00ff, 0x5600]
    expect(readClientHello(records(body({ suites, tail }), size))).toMatchObject({
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
    expect(readClientHello(records(body().subarray(0, 20))).kind).toBe('malformed')
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
    ['no suites', { suites: [] }, ['no cipher suites']],
    ['half a suite', { suites: Buffer.of(0, 0x2f, 0) }, ['an odd length of suites']],
    ['one octet at the end', { tail: Buffer.of(0) }, ['octets after the extensions']],
    [
      'octets after the extensions',
      { tail: Buffer.concat([extensions(serverName('a')), Buffer.of(0)]) },
      ['octets after the extensions'],
    ],
    [
      'an extension sent twice',
      { tail: extensions(extension(5, Buffer.of(1)), extension(5, Buffer.of(2))) },
      ['an extension sent twice'],
    ],
    ['half an extension', { tail: extensions(Buffer.of(0, 5)) }, ['a message that ends too early']],
    ['an empty server_name', { tail: extensions(extension(0, Buffer.alloc(0))) }, ['a malformed server_name']],
    ['a server_name without names', { tail: extensions(serverName()) }, ['a malformed server_name']],
    ['a server_name with an empty name', { tail: extensions(serverName('')) }, ['a malformed server_name']],
    ['a server_name with two names', { tail: extensions(serverName('a', 'b')) }, ['a malformed server_name']],
    ['a server_name with a NUL', { tail: extensions(serverName('a\0b')) }, ['a malformed server_name']],
    ['a server_name of 256 octets', { tail: extensions(serverName('a'.repeat(256))) }, ['a malformed server_name']],
    [
      'octets after the list in server_name',
      { tail: extensions(extension(0, Buffer.concat([vector(2, Buffer.of(0, 0, 1, 97)), Buffer.of(0)]))) },
      ['a malformed server_name'],
    ],
    ['no groups', { tail: extensions(supportedGroups()) }, ['a malformed supported_groups']],
    [
      'half a group',
      { tail: extensions(extension(10, vector(2, Buffer.of(0, 29, 0)))) },
      ['a malformed supported_groups'],
    ],
    ['no point formats', { tail: extensions(extension(11, Buffer.of(0))) }, ['a malformed ec_point_formats']],
    ['no signature algorithms', { tail: extensions(signatureAlgorithms()) }, ['a malformed signature_algorithms']],
    ['no ALPN names', { tail: extensions(alpn()) }, ['a malformed application_layer_protocol_negotiation']],
    ['an empty ALPN name', { tail: extensions(alpn('')) }, ['a malformed application_layer_protocol_negotiation']],
    ['no versions', { tail: extensions(supportedVersions()) }, ['a malformed supported_versions']],
    [
      'an empty key share',
      { tail: extensions(extension(51, vector(2, Buffer.of(0, 29, 0, 0)))) },
      ['a malformed key_share'],
    ],
    [
      'octets after renegotiation_info',
      { tail: extensions(extension(0xff01, Buffer.of(0, 0))) },
      ['a malformed renegotiation_info'],
    ],
    [
      'extensions after pre_shared_key',
      { tail: extensions(extension(41, Buffer.of(0)), serverName('a')) },
      ['extensions after pre_shared_key'],
    ],
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

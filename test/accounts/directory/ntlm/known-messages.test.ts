import { expect, test } from 'vitest'
import { avValue, parseAvPairs } from '../../../../src/accounts/directory/sasl/ntlm/av-pairs.ts'
import { desLong } from '../../../../src/accounts/directory/sasl/ntlm/des.ts'
import { hmacMd5, lmOneWay, ntOneWay, ntOneWayV2 } from '../../../../src/accounts/directory/sasl/ntlm/keys.ts'
import {
  answerFlags,
  parseAuthenticate,
  parseNegotiate,
} from '../../../../src/accounts/directory/sasl/ntlm/messages.ts'
import { checkResponses, responsesIn } from '../../../../src/accounts/directory/sasl/ntlm/responses.ts'

const hex = (text: string): Buffer => Buffer.from(text, 'hex')

// Messages of Windows, in MS-NNTP section 4.1 and MS-SMTPNTLM section 4.2.
test('a NEGOTIATE_MESSAGE of Windows Server 2003, and the flags of its answer', () => {
  const flags = parseNegotiate(Buffer.from('TlRMTVNTUAABAAAAt4II4gAAAAAAAAAAAAAAAAAAAAAFAs4OAAAADw==', 'base64'))
  expect(flags).toBe(0xe20882b7)
  // The server of the example has no domain: NTLMSSP_TARGET_TYPE_SERVER (0x20000) instead of _DOMAIN (0x10000).
  expect(answerFlags(flags as number)).toBe(0xe28a8235 - 0x10000)
})

test('an AUTHENTICATE_MESSAGE of Windows Server 2003', () => {
  const message = Buffer.from(
    'TlRMTVNTUAADAAAAGAAYAHwAAAAYABgAlAAAABYAFgBIAAAACAAIAF4AAAAWABYAZgAAABAAEACsAAAANYKI4gUCzg4AAAAPZQB4AGMAaAAtAGMAbABpAC0ANgA2AHQAZQBzAHQARQBYAEMASAAtAEMATABJAC0ANgA2AIqeV65hhASwAAAAAAAAAAAAAAAAAAAAAHZHDVfwTU5ci0RY04eRmWy0/VWZfIfjsqdUu2WmxYUKy83PyyxzbA8=',
    'base64',
  )
  const parsed = parseAuthenticate(message, 0)
  expect(parsed).toMatchObject({
    flags: 0xe2888235,
    domain: 'exch-cli-66',
    user: 'test',
    workstation: 'EXCH-CLI-66',
    clientVersion: '5.2.3790',
    mic: undefined,
  })
  expect(parsed?.encryptedSessionKey).toHaveLength(16)
  expect(parsed && responsesIn(parsed).map(({ name }) => name)).toEqual(['NTLM2 session'])
})

test('attributes of Windows Server 2003', () => {
  const list = hex(
    '02001600450058004300480' +
      '02d0043004c0049002d003600360001001600450058004300480' +
      '02d0043004c0049002d003600360004001600650078006300680' +
      '02d0063006c0069002d003600360003001600650078006300680' +
      '02d0063006c0069002d0036003600' +
      '00000000',
  )
  const pairs = parseAvPairs(list)
  expect(pairs?.size).toBe(4)
  expect(pairs && avValue(pairs, 'dnsComputer')?.toString('utf16le')).toBe('exch-cli-66')
})

// The values of Eric Glass, "The NTLM Authentication Protocol and Security Support Provider", for SecREt01.
test('the responses of an independent description', () => {
  const challenge = hex('0123456789abcdef')
  const clientChallenge = hex('ffffff0011223344')
  expect(lmOneWay('SecREt01').toString('hex')).toBe('ff3750bcc2b22412c2265b23734e0dac')
  expect(ntOneWay('SecREt01').toString('hex')).toBe('cd06ca7c7e10c99b1d33b7485a2ed808')
  expect(desLong(lmOneWay('SecREt01'), challenge).toString('hex')).toBe(
    'c337cd5cbd44fc9782a667af6d427c6de67c20c2d3e77c56',
  )
  expect(desLong(ntOneWay('SecREt01'), challenge).toString('hex')).toBe(
    '25a98c1c31e81847466b29b2df4680f39958fb8c213a9cc6',
  )
  const key = ntOneWayV2('SecREt01', 'user', 'DOMAIN')
  expect(key.toString('hex')).toBe('04b8e0ba74289cc540826bab1dee63ae')
  expect(hmacMd5(key, challenge, clientChallenge).toString('hex')).toBe('d6e6152ea25d03b7c6ba6629c2d6aaf0')
})

// A client of Windows 98: no session key and no flags, so that its texts are in the code page that the challenge says.
test('a message with the short header', () => {
  const values = [
    desLong(lmOneWay('SECRET'), hex('0123456789abcdef')),
    Buffer.alloc(0),
    ...['LAB', 'ALICE', 'WIN98'].map((text) => Buffer.from(text)),
  ]
  const header = Buffer.alloc(52)
  header.write('NTLMSSP\0\x03', 'latin1')
  let offset = 52
  for (const [index, value] of values.entries()) {
    header.writeUInt16LE(value.length, 12 + 8 * index)
    header.writeUInt32LE(offset, 16 + 8 * index)
    offset += value.length
  }
  const authenticate = parseAuthenticate(Buffer.concat([header, ...values]), 0x8202)
  expect(authenticate).toMatchObject({
    flags: 0x8202,
    domain: 'LAB',
    user: 'ALICE',
    workstation: 'WIN98',
    mic: undefined,
  })
  if (!authenticate) throw new Error('malformed')
  const question = { serverChallenge: hex('0123456789abcdef'), password: 'secret', authenticate }
  expect(checkResponses(question, responsesIn(authenticate))?.name).toBe('LM')
})

// As Perl's Authen::NTLM and fetchmail send it: values follow the flags, which claim a version that is not there.
test('a message with flags, but without a version', () => {
  const message = Buffer.alloc(64 + 10)
  message.write('NTLMSSP\0\x03', 'latin1')
  message.writeUInt16LE(10, 36)
  message.writeUInt32LE(64, 40)
  message.writeUInt32LE(0x02008201, 60)
  message.write('alice', 64, 'utf16le')
  expect(parseAuthenticate(message, 0x8202)).toMatchObject({
    flags: 0x02008201,
    user: 'alice',
    clientVersion: undefined,
    mic: undefined,
  })
})

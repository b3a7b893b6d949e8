import { createHash, createHmac } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { encodeAvPairs } from '../../../../src/accounts/directory/sasl/ntlm/av-pairs.ts'
import { desEncrypt, desLong } from '../../../../src/accounts/directory/sasl/ntlm/des.ts'
import { combineFlags, type Flag } from '../../../../src/accounts/directory/sasl/ntlm/flags.ts'
import { hmacMd5, lmOneWay, ntOneWay, ntOneWayV2 } from '../../../../src/accounts/directory/sasl/ntlm/keys.ts'
import { md4 } from '../../../../src/accounts/directory/sasl/ntlm/md4.ts'
import { encodeChallenge, parseAuthenticate } from '../../../../src/accounts/directory/sasl/ntlm/messages.ts'
import { checkResponses, responsesIn } from '../../../../src/accounts/directory/sasl/ntlm/responses.ts'
import { Rc4 } from '../../../../src/core/octets/rc4.ts'

// The values of MS-NLMP section 4.2.
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const text = (octets: Buffer | undefined): string | undefined => octets?.toString('hex')
const utf16 = (value: string): Buffer => Buffer.from(value, 'utf16le')

const serverChallenge = hex('0123456789abcdef')
const clientChallenge = hex('aaaaaaaaaaaaaaaa')
const randomSessionKey = Buffer.alloc(16, 0x55)
const rc4 = (key: Buffer, data: Buffer): Buffer => new Rc4(key).update(data)
const md5 = (...parts: (Buffer | string)[]): Buffer =>
  parts.reduce((hash, part) => hash.update(part), createHash('md5')).digest()

const common: readonly Flag[] = ['key56', 'version', 'alwaysSign', 'ntlm', 'seal', 'sign', 'oem', 'unicode']
const SERVER_TARGET = 0x20000 // NTLMSSP_TARGET_TYPE_SERVER, which a server without a domain sets
/** Windows Vista, whose version the examples have. */
const challengeOf = (flags: number, targetInfo: Buffer = Buffer.alloc(0)): string => {
  const message = encodeChallenge({ flags, serverChallenge, targetName: 'Server', targetInfo })
  hex('060070170000000f').copy(message, 48)
  return message.toString('hex')
}

/** The client's messages, as octets. */
const authenticateOf = (lines: string): Buffer => hex(lines.replaceAll(/\s/g, ''))

const v1Message = authenticateOf(`
  4e544c4d53535000 03000000 18001800 6c000000 18001800 84000000 0c000c00
  48000000 08000800 54000000 10001000 5c000000 10001000 9c000000 358280e2
  0501280a0000000f 44006f006d00610069006e00 5500730065007200 43004f004d00500055005400450052 00
  98def7b87f88aa5dafe2df779688a172def11c7d5ccdef13
  67c43011f30298a2ad35ece64f16331c44bdbed927841f94 518822b1b3f350c8958682ecbb3e3cb7`)
const sessionMessage = authenticateOf(`
  4e544c4d53535000 03000000 18001800 6c000000 18001800 84000000 0c000c00
  48000000 08000800 54000000 10001000 5c000000 00000000 9c000000 35820882
  0501280a0000000f 44006f006d00610069006e00 5500730065007200 43004f004d00500055005400450052 00
  aaaaaaaaaaaaaaaa00000000000000000000000000000000
  7537f803ae367128ca458204bde7caf81e97ed2683267232`)
const v2Message = authenticateOf(`
  4e544c4d53535000 03000000 18001800 6c000000 54005400 84000000 0c000c00
  48000000 08000800 54000000 10001000 5c000000 10001000 d8000000 358288e2
  0501280a0000000f 44006f006d00610069006e00 5500730065007200 43004f004d00500055005400450052 00
  86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa
  68cd0ab851e51c96aabc927bebef6a1c
  0101000000000000 0000000000000000 aaaaaaaaaaaaaaaa 00000000
  02000c00 44006f006d00610069006e00 01000c00 530065007200760065007200 00000000 00000000
  c5dad2544fc979909 4ce1ce90bc9d03e`)

function proofOf(message: Buffer, password = 'Password') {
  const authenticate = parseAuthenticate(message, 0)
  if (!authenticate) throw new Error('malformed')
  const question = { serverChallenge, password, authenticate }
  return { authenticate, proof: checkResponses(question, responsesIn(authenticate)) }
}

const who = { domain: 'Domain', user: 'User', workstation: 'COMPUTER', clientVersion: '5.1.2600' }

/** SEAL and MAC of MS-NLMP sections 3.4.3 and 3.4.4, for the first message. The server needs neither. */
const plaintext = utf16('Plaintext')
const ZERO = Buffer.alloc(4)
const CLIENT_SEALING = 'session key to client-to-server sealing key magic constant\0'
const CLIENT_SIGNING = 'session key to client-to-server signing key magic constant\0'

describe('4.2.2 NTLM v1 Authentication', () => {
  const lmKey = lmOneWay('Password')
  const ntKey = ntOneWay('Password')
  const sessionBaseKey = md4(ntKey)
  const lmResponse = desLong(lmKey, serverChallenge)
  const flags = (combineFlags([...common, 'keyExchange', 'key128']) | SERVER_TARGET) >>> 0

  test('4.2.2.1 keys', () => {
    expect(text(lmKey)).toBe('e52cac67419a9a224a3b108f3fa6cb6d')
    expect(text(ntKey)).toBe('a4f49c406510bdcab6824ee7c30fd852')
    expect(text(sessionBaseKey)).toBe('d87262b0cde4b1cb7499becccdf10784')
  })

  test('4.2.2.2 responses', () => {
    expect(text(desLong(ntKey, serverChallenge))).toBe('67c43011f30298a2ad35ece64f16331c44bdbed927841f94')
    expect(text(lmResponse)).toBe('98def7b87f88aa5dafe2df779688a172def11c7d5ccdef13')
  })

  test('4.2.2.2.2 and 4.2.2.2.3 key exchange keys, and the encrypted session key', () => {
    const ofLm = Buffer.concat([
      desEncrypt(lmKey.subarray(0, 7), lmResponse.subarray(0, 8)),
      desEncrypt(Buffer.concat([lmKey.subarray(7, 8), Buffer.alloc(6, 0xbd)]), lmResponse.subarray(0, 8)),
    ])
    expect(text(ofLm)).toBe('b09e379f7fbecb1eaf0afdcb0383c8a0')
    expect(text(rc4(sessionBaseKey, randomSessionKey))).toBe('518822b1b3f350c8958682ecbb3e3cb7')
    const notNt = Buffer.concat([lmKey.subarray(0, 8), Buffer.alloc(8)])
    expect(text(rc4(notNt, randomSessionKey))).toBe('7452ca55c225a1ca04b48fae32cf56fc')
    expect(text(rc4(ofLm, randomSessionKey))).toBe('4cd7bb57d697ef9b549f02b8f9b37864')
  })

  test('4.2.2.3 messages', () => {
    expect(flags).toBe(0xe2028233)
    expect(challengeOf(flags)).toBe(
      text(
        hex(
          '4e544c4d53535000 02000000 0c000c00 38000000 338202e2 0123456789abcdef 0000000000000000 0000000000000000' +
            '060070170000000f 530065007200760065007200',
        ),
      ),
    )
    const { authenticate, proof } = proofOf(v1Message)
    expect(authenticate).toMatchObject({ ...who, flags: 0xe2808235 })
    expect(text(authenticate.encryptedSessionKey)).toBe('518822b1b3f350c8958682ecbb3e3cb7')
    expect(proof?.name).toBe('NTLMv1')
    expect(proofOf(v1Message, 'password').proof?.name).toBe('LM')
    expect(proofOf(v1Message, 'Passwort').proof).toBeUndefined()
  })

  test('4.2.2.4 a sealed message', () => {
    const handle = new Rc4(randomSessionKey)
    expect(text(handle.update(plaintext))).toBe('56fe04d861f9319af0d7238a2e3b4d457fb8')
    const checksum = Buffer.alloc(4)
    checksum.writeUInt32LE(crc32(plaintext))
    expect(text(checksum)).toBe('7d84aa93')
    expect([ZERO, checksum, ZERO].map((part) => text(handle.update(part)))).toEqual([
      '45c844e5',
      '09dcd1df',
      '2e459d36',
    ])
  })
})

describe('4.2.3 NTLM v1 with Client Challenge', () => {
  const sessionBaseKey = md4(ntOneWay('Password'))
  const flags = (combineFlags([...common, 'extendedSessionSecurity']) | SERVER_TARGET) >>> 0

  test('4.2.3.1 and 4.2.3.2 keys and response', () => {
    const lmResponse = Buffer.concat([clientChallenge, Buffer.alloc(16)])
    const exchangeKey = createHmac('md5', sessionBaseKey)
      .update(serverChallenge)
      .update(lmResponse.subarray(0, 8))
      .digest()
    expect(text(exchangeKey)).toBe('eb93429a8bd952f8b89c55b87f475edc')
    const nonces = md5(serverChallenge, clientChallenge).subarray(0, 8)
    expect(text(desLong(ntOneWay('Password'), nonces))).toBe('7537f803ae367128ca458204bde7caf81e97ed2683267232')
  })

  test('4.2.3.3 messages', () => {
    expect(flags).toBe(0x820a8233)
    expect(challengeOf(flags)).toBe(
      text(
        hex(
          '4e544c4d53535000 02000000 0c000c00 38000000 33820a82 0123456789abcdef 0000000000000000 0000000000000000' +
            '060070170000000f 530065007200760065007200',
        ),
      ),
    )
    const { authenticate, proof } = proofOf(sessionMessage)
    expect(authenticate).toMatchObject({ ...who, flags: 0x82088235 })
    expect(authenticate.encryptedSessionKey).toHaveLength(0)
    expect(proof?.name).toBe('NTLM2 session')
    expect(proofOf(sessionMessage, 'password').proof).toBeUndefined()
  })

  test('4.2.3.4 a sealed message', () => {
    const exportedKey = hex('eb93429a8bd952f8b89c55b87f475edc')
    const sealKey = md5(exportedKey.subarray(0, 7), CLIENT_SEALING)
    expect(text(sealKey)).toBe('04dd7f014d8504d265a25cc86a3a7c06')
    const signKey = md5(exportedKey, CLIENT_SIGNING)
    expect(text(signKey)).toBe('60e799be5c72fc92922ae8ebe961fb8d')
    expect(text(rc4(sealKey, plaintext))).toBe('a02372f6530273f3aa1eb90190ce5200c99d')
    expect(text(hmacMd5(signKey, ZERO, plaintext).subarray(0, 8))).toBe('ff2aeb52f681793a')
  })
})

describe('4.2.4 NTLMv2 Authentication', () => {
  const key = ntOneWayV2('Password', 'User', 'Domain')
  const targetInfo = encodeAvPairs([
    ['netBiosDomain', utf16('Domain')],
    ['netBiosComputer', utf16('Server')],
  ])
  const temp = Buffer.concat([hex('0101000000000000'), Buffer.alloc(8), clientChallenge, ZERO, targetInfo, ZERO])
  const proofText = hmacMd5(key, serverChallenge, temp)
  const sessionBaseKey = hmacMd5(key, proofText)
  const flags =
    (combineFlags([...common, 'keyExchange', 'key128', 'targetInfo', 'extendedSessionSecurity']) | SERVER_TARGET) >>> 0

  test('4.2.4.1 and 4.2.4.2 keys and responses', () => {
    expect(text(key)).toBe('0c868a403bfd7a93a3001ef22ef02e3f')
    expect(text(proofText)).toBe('68cd0ab851e51c96aabc927bebef6a1c')
    expect(text(sessionBaseKey)).toBe('8de40ccadbc14a82f15cb0ad0de95ca3')
    expect(text(hmacMd5(key, serverChallenge, clientChallenge))).toBe('86c35097ac9cec102554764a57cccc19')
    expect(text(rc4(sessionBaseKey, randomSessionKey))).toBe('c5dad2544fc9799094ce1ce90bc9d03e')
  })

  test('4.2.4.3 messages', () => {
    expect(flags).toBe(0xe28a8233)
    expect(challengeOf(flags, targetInfo)).toBe(
      text(
        hex(
          '4e544c4d53535000 02000000 0c000c00 38000000 33828ae2 0123456789abcdef 0000000000000000 24002400 44000000' +
            '060070170000000f 530065007200760065007200 02000c0044006f006d00610069006e00 01000c00530065007200760065007200 00000000',
        ),
      ),
    )
    const { authenticate, proof } = proofOf(v2Message)
    expect(authenticate).toMatchObject({ ...who, flags: 0xe2888235 })
    expect(proof?.name).toBe('NTLMv2')
    expect(text(proof?.sessionKey)).toBe('8de40ccadbc14a82f15cb0ad0de95ca3')
    expect(proofOf(v2Message, 'password').proof).toBeUndefined()
  })

  test('4.2.4.2.1 the LMv2 response alone', () => {
    const alone = Buffer.from(v2Message)
    alone.writeUInt16LE(0, 20)
    expect(proofOf(alone).proof?.name).toBe('LMv2')
    expect(proofOf(alone, 'password').proof).toBeUndefined()
  })

  test('4.2.4.4 a sealed message', () => {
    const sealKey = md5(randomSessionKey, CLIENT_SEALING)
    expect(text(sealKey)).toBe('59f600973cc4960a25480a7c196e4c58')
    const signKey = md5(randomSessionKey, CLIENT_SIGNING)
    expect(text(signKey)).toBe('4788dc861b4782f35d43fd98fe1a2d39')
    const handle = new Rc4(sealKey)
    expect(text(handle.update(plaintext))).toBe('54e50165bf1936dc996020c1811b0f06fb5f')
    const checksum = hmacMd5(signKey, ZERO, plaintext).subarray(0, 8)
    expect(text(checksum)).toBe('70352851f2564309')
    expect(text(handle.update(checksum))).toBe('7fb38ec5c55d4976')
  })
})

import { createCipheriv } from 'node:crypto'
import { expect, test } from 'vitest'
import { fileTime, fileTimeMs } from '../../../../src/accounts/directory/sasl/ntlm/av-pairs.ts'
import { desEncrypt } from '../../../../src/accounts/directory/sasl/ntlm/des.ts'
import { upperCase } from '../../../../src/accounts/directory/sasl/ntlm/keys.ts'
import { md4 } from '../../../../src/accounts/directory/sasl/ntlm/md4.ts'

const hex = (text: string): Buffer => Buffer.from(text, 'hex')

// RFC 1320 appendix A.5.
test.each([
  ['', '31d6cfe0d16ae931b73c59d7e0c089c0'],
  ['a', 'bde52cb31de33e46245e05fbdbd6fb24'],
  ['abc', 'a448017aaf21d8525fc10ae87aa6729d'],
  ['message digest', 'd9130a8164549fe818874806e1c7014b'],
  ['abcdefghijklmnopqrstuvwxyz', 'd79e1c308aa5bbcdeea8ed63df412da9'],
  ['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '043f8582f241db351ce627e153e7f0e4'],
  ['1234567890'.repeat(8), 'e33b4ddc9c38f2199c3e7b164fcc0536'],
])('MD4 of %j', (message, digest) => {
  expect(md4(Buffer.from(message)).toString('hex')).toBe(digest)
})

test('MD4 pads messages of every length around the ends of blocks', () => {
  const digests = Array.from({ length: 130 }, (_, length) => md4(Buffer.alloc(length, 'x')).toString('hex'))
  expect(new Set(digests).size).toBe(130)
  // Computed with OpenSSL's legacy provider.
  expect([55, 56, 63, 64, 65].map((length) => digests[length])).toEqual([
    '92f32bb82c95ad10e8f87ae58ab06807',
    '374d5f08103b7092c83b4626ebceffab',
    '2870452596e98fffd48332289b3472b9',
    'b1abf956a5ae6f3221e5fe85e300fbb0',
    'afc1a3308fc176a53238a09aeddec2e6',
  ])
})

/** Removes the parity bits of a key in 8 octets. */
function withoutParity(key: Buffer): Buffer {
  const bits = [...key].map((octet) => (octet >> 1).toString(2).padStart(7, '0')).join('')
  return Buffer.from(bits.match(/.{8}/g)?.map((octet) => Number.parseInt(octet, 2)) ?? [])
}

// NBS Special Publication 500-20: variable key, variable plaintext, permutation and substitution tables.
test.each([
  ['8001010101010101', '0000000000000000', '95a8d72813daa94d'],
  ['0101010101010102', '0000000000000000', '869efd7f9f265a09'],
  ['0101010101010101', '8000000000000000', '95f8a5e5dd31d900'],
  ['0101010101010101', '0000000000000001', '166b40b44aba4bd6'],
  ['1046913489980131', '0000000000000000', '88d55e54f54c97b4'],
  ['7ca110454a1a6e57', '01a1d6d039776742', '690f5b0d9a26939b'],
  ['0131d9619dc1376e', '5cd54ca83def57da', '7a389d10354bd271'],
  ['1c587f1c13924fef', '305532286d6f295a', '63fac0d034d9f793'],
])('DES with the key %s encrypts %s', (key, plain, cipher) => {
  expect(desEncrypt(withoutParity(hex(key)), hex(plain)).toString('hex')).toBe(cipher)
})

test('DES uses each of the 56 bits of a key', () => {
  const blocks = Array.from({ length: 57 }, (_, bit) => {
    const key = Buffer.alloc(7)
    if (bit > 0) key[(bit - 1) >> 3] = 0x80 >> ((bit - 1) & 7)
    return desEncrypt(key, Buffer.alloc(8)).toString('hex')
  })
  expect(new Set(blocks).size).toBe(57)
})

test('3DES with the same key three times is what DES is made of', () => {
  const cipher = createCipheriv('des-ede3', hex('0123456789abcdef'.repeat(3)), null).setAutoPadding(false)
  expect(cipher.update(Buffer.from('Now is t')).toString('hex')).toBe('3fa40e8a984d4815') // FIPS 81 table B1
})

test.each([
  // Known from Windows: 1970 begins at 116444736000000000.
  [0, 116_444_736_000_000_000n],
  [Date.UTC(1601, 0, 1), 0n],
  [Date.UTC(2003, 9, 21), 127_111_680_000_000_000n],
])('FILETIME of %d', (timeMs, ticks) => {
  const octets = fileTime(timeMs)
  expect(octets.readBigInt64LE()).toBe(ticks)
  expect(fileTimeMs(octets)).toBe(timeMs)
})

test.each([
  ['user', 'USER'],
  ['müller', 'MÜLLER'],
  ['straße', 'STRAßE'],
  ['ﬁ', 'ﬁ'],
  ['𐐨', '𐐀'],
])('%s in capitals is %s', (text, capitals) => {
  expect(upperCase(text)).toBe(capitals)
})

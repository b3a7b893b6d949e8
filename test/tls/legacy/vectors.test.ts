import { expect, test } from 'vitest'
import { Rc4 } from '../../../src/core/octets/rc4.ts'
import { Rc2Cbc } from '../../../src/tls/legacy/ciphers.ts'

const hex = (text: string): Buffer => Buffer.from(text, 'hex')

// RFC 6229 section 2: the key stream at offsets 0 and 4096.
test.each([
  ['0102030405', 'b2396305f03dc027ccc3524a0a1118a8', 'ff25b58995996707e51fbdf08b34d875'],
  ['01020304050607', '293f02d47f37c9b633f2af5285feb46b', 'e74b0b9731227fd37c0ec08a47ddd8b8'],
  ['0102030405060708090a0b0c0d0e0f10', '9ac7cc9a609d1ef7b2932899cde41b97', 'a36a4c301ae8ac13610ccbc12256cacc'],
])('RC4 with the key %s', (key, atStart, at4096) => {
  const whole = new Rc4(hex(key)).update(Buffer.alloc(4112))
  expect(whole.subarray(0, 16).toString('hex')).toBe(atStart)
  expect(whole.subarray(4096).toString('hex')).toBe(at4096)
})

test('RC4 continues where the previous call ended', () => {
  const whole = new Rc4(hex('0102030405')).update(Buffer.alloc(64))
  const rc4 = new Rc4(hex('0102030405'))
  const pieces = [1, 0, 30, 33].map((octets) => rc4.update(Buffer.alloc(octets)))
  expect(Buffer.concat(pieces)).toEqual(whole)
})

// RFC 2268 section 5.
const rc2Vectors: readonly (readonly [key: string, effectiveBits: number, plain: string, cipher: string])[] = [
  ['0000000000000000', 63, '0000000000000000', 'ebb773f993278eff'],
  ['ffffffffffffffff', 64, 'ffffffffffffffff', '278b27e42e2f0d49'],
  ['3000000000000000', 64, '1000000000000001', '30649edf9be7d2c2'],
  ['88', 64, '0000000000000000', '61a8a244adacccf0'],
  ['88bca90e90875a', 64, '0000000000000000', '6ccf4308974c267f'],
  ['88bca90e90875a7f0f79c384627bafb2', 64, '0000000000000000', '1a807d272bbe5db1'],
  ['88bca90e90875a7f0f79c384627bafb2', 128, '0000000000000000', '2269552ab0f85ca6'],
  ['88bca90e90875a7f0f79c384627bafb216f80a6f85920584c42fceb0be255daf1e', 129, '0000000000000000', '5b78d3a43dfff1f1'],
]
test.each(rc2Vectors)('RC2 with the key %s and %i effective bits', (key, effectiveBits, plain, cipher) => {
  const iv = Buffer.alloc(8)
  expect(new Rc2Cbc(hex(key), iv, 'encrypt', effectiveBits).update(hex(plain)).toString('hex')).toBe(cipher)
  expect(new Rc2Cbc(hex(key), iv, 'decrypt', effectiveBits).update(hex(cipher)).toString('hex')).toBe(plain)
})

test('RC2 chains its blocks across calls', () => {
  const key = hex('88bca90e90875a7f0f79c384627bafb2')
  const iv = hex('0123456789abcdef')
  const plain = Buffer.from('thirty-two octets of plain text.')
  const whole = new Rc2Cbc(key, iv, 'encrypt').update(plain)
  const encrypting = new Rc2Cbc(key, iv, 'encrypt')
  expect(Buffer.concat([encrypting.update(plain.subarray(0, 8)), encrypting.update(plain.subarray(8))])).toEqual(whole)
  const decrypting = new Rc2Cbc(key, iv, 'decrypt')
  expect(Buffer.concat([decrypting.update(whole.subarray(0, 24)), decrypting.update(whole.subarray(24))])).toEqual(
    plain,
  )
})

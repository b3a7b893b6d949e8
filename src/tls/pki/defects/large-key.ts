import { createPrivateKey, generatePrime, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { integer, sequence } from '../der/encode.ts'

const makePrime = promisify(generatePrime)

const EXPONENT = 65537n
/** The maximum that OpenSSL accepts for a modulus of 8192 bits. */
const PRIMES = 5

/**
 * Generates an RSA key of five primes (RFC 8017 section 3.2). With 8192 bits that takes a second, where a key of two primes
 * takes half a minute. The public key looks the same.
 */
export async function generateLargeKey(bits: number): Promise<KeyObject> {
  const size = Math.ceil(bits / PRIMES)
  const first = await Promise.all(Array.from({ length: PRIMES - 1 }, () => prime(size)))
  const product = first.reduce((all, one) => all * one)
  const rest = bits - bitsOf(product)
  let last = await prime(rest)
  // The product can have one bit less than its factors together: tries primes until the length is right.
  for (let extra = 1; bitsOf(product * last) !== bits; extra = 1 - extra) last = await prime(rest + extra)
  return privateKeyFrom([...first, last])
}

const prime = async (bits: number): Promise<bigint> => {
  const octets = Buffer.from((await makePrime(bits)) as ArrayBuffer)
  const value = BigInt(`0x${octets.toString('hex')}`)
  // The exponent needs an inverse modulo p - 1, so that it must not divide p - 1.
  return (value - 1n) % EXPONENT === 0n ? prime(bits) : value
}

const bitsOf = (value: bigint): number => value.toString(2).length

/** Encodes the key in PKCS#1, version 1 (multi). RFC 8017 appendix A.1.2. */
function privateKeyFrom(primes: readonly bigint[]): KeyObject {
  const [p, q, ...others] = primes as [bigint, bigint, ...bigint[]]
  const modulus = primes.reduce((all, one) => all * one)
  const d = inverse(
    EXPONENT,
    primes.reduce((all, one) => all * (one - 1n), 1n),
  )
  let before = p * q
  const infos = others.map((r) => {
    const info = sequence(integer(r), integer(d % (r - 1n)), integer(inverse(before % r, r)))
    before *= r
    return info
  })
  const numbers = [1n, modulus, EXPONENT, d, p, q, d % (p - 1n), d % (q - 1n), inverse(q, p)]
  const der = sequence(...numbers.map((value) => integer(value)), sequence(...infos))
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs1' })
}

/** Returns the modular inverse by the extended Euclidean algorithm. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [r0, r1, s0, s1] = [modulus, value % modulus, 0n, 1n]
  while (r1 !== 0n) {
    const quotient = r0 / r1
    ;[r0, r1, s0, s1] = [r1, r0 - quotient * r1, s1, s0 - quotient * s1]
  }
  return ((s0 % modulus) + modulus) % modulus
}

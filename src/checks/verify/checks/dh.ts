import { checkPrime, getDiffieHellman } from 'node:crypto'
import { promisify } from 'node:util'
import { OctetReader } from '../../../tls/negotiation/octets.ts'
import type { Probe } from '../probe.ts'
import { dhAnonymousSuites, dheExportSuites, dheSuites } from '../tls/suite-classes.ts'
import { type Check, type Found, fail, pass, warn, worstOf } from './check.ts'
import { highestBefore13 } from './versions.ts'

/** Shorter groups are forbidden by RFC 9325 section 4.5, and those of 1,024 bits are in reach of states (Logjam). */
const MIN_BITS = 2048

const isPrime = promisify(checkPrime)

/** A group and the server's public value. RFC 5246 section 7.4.3. */
interface DhParameters {
  readonly prime: bigint
  readonly generator: bigint
  readonly share: bigint
  /** Whether two handshakes got the same public value. */
  readonly isReused: boolean
  /** Only clients that do not verify certificates get it. */
  readonly isAnonymous: boolean
}

/** Checks the size and the soundness of the prime-field Diffie-Hellman groups that a server uses, and that keys are fresh. */
export const dhGroups: Check = {
  name: 'dh-groups',
  title: 'Diffie-Hellman groups',
  async run(probe) {
    const version = await highestBefore13(probe)
    if (!version) return pass('not used: TLS 1.3 has only named groups')
    const groups: DhParameters[] = []
    for (const suites of [dheSuites, dhAnonymousSuites, dheExportSuites]) {
      const answer = await probe.hello({ version: version.wire, suites })
      if (answer.kind !== 'hello' || !answer.keyExchange) continue
      const again = await probe.hello({ version: version.wire, suites })
      const parameters = readParameters(answer.keyExchange)
      const isReused =
        again.kind === 'hello' && !!again.keyExchange && readParameters(again.keyExchange).share === parameters.share
      groups.push({ ...parameters, isReused, isAnonymous: suites === dhAnonymousSuites })
    }
    if (groups.length === 0)
      return pass('not used: no suite with a prime-field Diffie-Hellman key exchange is accepted')
    return worstOf(await Promise.all(groups.map((group) => judgeGroup(group, probe))))
  },
}

function readParameters(body: Buffer): Pick<DhParameters, 'prime' | 'generator' | 'share'> {
  const reader = new OctetReader(body)
  const [prime, generator, share] = [reader.vector16(), reader.vector16(), reader.vector16()].map(numberOf)
  return { prime: prime ?? 0n, generator: generator ?? 0n, share: share ?? 0n }
}

const numberOf = (octets: Buffer): bigint => BigInt(`0x${octets.toString('hex') || '0'}`)
const bitsOf = (value: bigint): number => value.toString(2).length

async function judgeGroup(
  { prime, generator, share, isReused, isAnonymous }: DhParameters,
  { endpoint }: Probe,
): Promise<Found> {
  const bits = bitsOf(prime)
  const known = commonPrimes().get(prime)
  const where = isAnonymous ? ' in suites without a certificate' : ''
  const title = `${bits} bits${known ? ` (${known})` : ''}${where}`
  const facts = { bits, group: known }
  if (!known && !(await isPrime(prime))) return fail(`${title}: the modulus is not a prime number`, facts)
  if (isTrivial(generator, prime) || isTrivial(share, prime))
    return fail(`${title}: the generator or the public value is 1 or less`, facts)
  if (bits < MIN_BITS) {
    const words = `${title}: below ${MIN_BITS} bits (RFC 9325 section 4.5)`
    return isAnonymous || endpoint.promises.weakSuites ? warn(words, facts) : fail(words, facts)
  }
  // RFC 7919 section 5.1: otherwise the order of the group can have small factors.
  if (!known && !(await isPrime((prime - 1n) / 2n))) return warn(`${title}: not a safe prime`, facts)
  if (isReused) {
    // RFC 9325 section 7.4
    return warn(`${title}: two handshakes get the same key, which can be attacked (Raccoon, CVE-2020-1968)`, facts)
  }
  return pass(title, facts)
}

/** Values that generate or are one of at most two elements. */
const isTrivial = (value: bigint, prime: bigint): boolean => value <= 1n || value >= prime - 1n

/** Groups of RFC 2409 and RFC 3526. Many servers share them, so the work to break a short one is done once. */
const modpGroups = {
  modp1: 'group 1 of RFC 2409',
  modp2: 'group 2 of RFC 2409',
  modp5: 'group 5 of RFC 3526',
  modp14: 'group 14 of RFC 3526',
  modp15: 'group 15 of RFC 3526',
  modp16: 'group 16 of RFC 3526',
  modp17: 'group 17 of RFC 3526',
  modp18: 'group 18 of RFC 3526',
} as const

let primes: Map<bigint, string> | undefined

/** Returns the groups by their primes, which OpenSSL takes long to make. */
function commonPrimes(): Map<bigint, string> {
  primes ??= new Map(
    Object.entries(modpGroups).flatMap(([name, title]) => {
      const prime = primeOf(name)
      return prime === undefined ? [] : [[prime, title]]
    }),
  )
  return primes
}

/** Returns the prime of a group. OpenSSL 3 no longer has those below 1,536 bits. */
function primeOf(name: string): bigint | undefined {
  try {
    return numberOf(getDiffieHellman(name).getPrime())
  } catch {
    return undefined
  }
}

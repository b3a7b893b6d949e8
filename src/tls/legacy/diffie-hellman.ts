import { createPublicKey, diffieHellman, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { vector } from '../negotiation/octets.ts'
import { item, readAsn1 } from '../pki/der/decode.ts'
import { bitString, integer, sequence } from '../pki/der/encode.ts'
import { LegacyTlsError } from './alerts.ts'

/** Safe primes by their length. The generator is 2. */
const primes = {
  // Made with `openssl dhparam 512`. No standard has one that short, and anyone can break it.
  512: Buffer.from(
    'be57c64737558337fc082d29eb410e6d0f13857a761f5df1572433fce43e3e37' +
      '532b754b962e36b3c7a8ef72f0a5a9c88ebc15256526414c2fe6f8c0d1ce3e27',
    'hex',
  ),
  // The Second Oakley Group, RFC 2409 section 6.2. Java before version 8 accepts no more than 1024 bits.
  1024: Buffer.from(
    'ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74' +
      '020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f1437' +
      '4fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed' +
      'ee386bfb5a899fa5ae9f24117c4b1fe649286651ece65381ffffffffffffffff',
    'hex',
  ),
} as const
const GENERATOR = 2
/** The type definitions of Node.js lack this kind of key. */
const generate = promisify(generateKeyPair) as unknown as (
  type: 'dh',
  options: { readonly prime: Buffer; readonly generator: number },
) => Promise<{ readonly publicKey: KeyObject; readonly privateKey: KeyObject }>

/** The server's side of a Diffie-Hellman exchange, with a new key. RFC 2246 section 7.4.3. */
interface DiffieHellman {
  /** ServerDHParams. */
  readonly params: Buffer
  /** Computes the premaster secret. @param clientValue Yc @throws LegacyTlsError for a value outside the group */
  preMaster(clientValue: Buffer): Buffer
}

/** Generates the server's key for one handshake. */
export async function createDiffieHellman(groupBits: keyof typeof primes): Promise<DiffieHellman> {
  const prime = primes[groupBits]
  const pair = await generate('dh', { prime, generator: GENERATOR })
  const info = readAsn1(pair.publicKey.export({ type: 'spki', format: 'der' }))
  const group = item(info, 0).raw
  // The BIT STRING holds the public value as an INTEGER.
  const value = withoutZeros(readAsn1(item(info, 1).content.subarray(1)).content)
  return {
    params: Buffer.concat([prime, Buffer.of(GENERATOR), value].map((number) => vector(2, number))),
    preMaster: (clientValue) => sharedSecret(pair.privateKey, group, prime, clientValue),
  }
}

function sharedSecret(privateKey: KeyObject, group: Buffer, prime: Buffer, clientValue: Buffer): Buffer {
  // RFC 5246 sections 7.2.2 and 7.4.7.2: opaque dh_Yc<1..2^16-1>
  if (clientValue.length === 0) throw new LegacyTlsError('decode_error', 'the client’s Diffie-Hellman value is empty')
  const y = withoutZeros(clientValue)
  // The others are the trivial subgroups: 0, 1 and p - 1. RFC 2631 section 2.1.5.
  const isTrivial = y.length === 0 || (y.length === 1 && y[0] === 1) || y.compare(minusOne(prime)) === 0
  if (isTrivial || y.length > prime.length || (y.length === prime.length && y.compare(prime) >= 0)) {
    throw new LegacyTlsError('illegal_parameter', 'the client’s Diffie-Hellman value is not in the group')
  }
  const publicKey = createPublicKey({ key: sequence(group, bitString(integer(y))), type: 'spki', format: 'der' })
  // RFC 5246 section 8.1.2: without leading zeros. This reveals nothing about other handshakes, whose keys differ (Raccoon).
  return withoutZeros(diffieHellman({ privateKey, publicKey }))
}

function withoutZeros(number: Buffer): Buffer {
  const start = number.findIndex((octet) => octet !== 0)
  return start === -1 ? Buffer.alloc(0) : number.subarray(start)
}

/** The primes are odd. */
function minusOne(prime: Buffer): Buffer {
  const number = Buffer.from(prime)
  number[number.length - 1] = (number.at(-1) as number) - 1
  return number
}

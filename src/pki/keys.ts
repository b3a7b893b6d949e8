import { createPrivateKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { PkiError } from './errors.ts'

const generate = promisify(generateKeyPair)

const curves = { p256: 'P-256', p384: 'P-384', p521: 'P-521' } as const

/** `rsa-N` (N bits), `p256`, `p384`, `p521` or `ed25519`. */
export type KeySpec = `rsa-${number}` | keyof typeof curves | 'ed25519'

/**
 * Makes a private key. RSA takes from 0.1 s (2048 bits) to minutes (16384), off the main thread; curves take well under
 * a millisecond.
 */
export async function generateKey(spec: KeySpec): Promise<KeyObject> {
  if (spec === 'ed25519') return (await generate('ed25519')).privateKey
  if (spec.startsWith('rsa-')) {
    const modulusLength = Number(spec.slice(4))
    if (!Number.isInteger(modulusLength) || modulusLength < 512 || modulusLength > 16384) {
      throw new PkiError('refused', `an RSA key has 512 to 16384 bits, not ${spec.slice(4)}`)
    }
    return (await generate('rsa', { modulusLength })).privateKey
  }
  const namedCurve = curves[spec as keyof typeof curves]
  if (namedCurve === undefined) throw new PkiError('refused', `${spec} is no kind of key known here`)
  return (await generate('ec', { namedCurve })).privateKey
}

/** PKCS#8, PKCS#1 or SEC 1 in PEM, encrypted or not. @throws PkiError `password` where one is needed or wrong */
export function readPrivateKey(pem: string, passphrase?: string): KeyObject {
  try {
    return createPrivateKey({ key: pem, format: 'pem', ...(passphrase === undefined ? {} : { passphrase }) })
  } catch (cause) {
    if (!pem.includes('ENCRYPTED')) throw new PkiError('malformed', 'the private key cannot be read', { cause })
    const why =
      passphrase === undefined
        ? 'the private key is encrypted: a password is needed'
        : 'wrong password for the private key'
    throw new PkiError('password', why, { cause })
  }
}

export const privateKeyPem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString()

const curveTitles: Record<string, string> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' }

/** What a list shows, and how strong the key is: bits of the modulus or of the curve. */
export function describeKey(key: KeyObject): { title: string; bits: number; family: 'rsa' | 'ec' | 'ed' } {
  const details = key.asymmetricKeyDetails
  if (details?.modulusLength !== undefined) {
    return { title: `RSA ${details.modulusLength}`, bits: details.modulusLength, family: 'rsa' }
  }
  if (details?.namedCurve !== undefined) {
    const title = curveTitles[details.namedCurve] ?? details.namedCurve
    return { title, bits: Number(/\d{3}/.exec(title)?.[0] ?? 256), family: 'ec' }
  }
  return { title: key.asymmetricKeyType ?? 'unknown', bits: 256, family: 'ed' }
}

/** The spec that makes another key like this one: what renewal with a new key needs. */
export function specOf(key: KeyObject): KeySpec {
  const { family, bits } = describeKey(key)
  if (family === 'rsa') return `rsa-${bits}`
  return family === 'ec' && (bits === 256 || bits === 384 || bits === 521) ? `p${bits}` : 'ed25519'
}

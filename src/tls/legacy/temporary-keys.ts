import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import type { KeyExchange } from './suites.ts'

const generate = promisify(generateKeyPair)
/** Handshakes under one temporary key: it must be cheap to break one and dear to break all. RFC 2246 section F.1.1.2. */
const USES_PER_KEY = 500

/** Longest key that an export suite may encrypt under. */
const limitBits: Record<KeyExchange, number> = {
  rsa: Number.POSITIVE_INFINITY,
  'rsa-export512': 512,
  'rsa-export1024': 1024,
}

interface Held {
  readonly key: Promise<KeyObject>
  uses: number
}

/** The temporary RSA keys of the export suites, made at first need. RFC 2246 section 7.4.3. */
export class TemporaryKeys {
  readonly #held = new Map<number, Held>()

  /** A temporary private key, or undefined where the certificate's key is short enough to be used itself. */
  async keyFor(exchange: KeyExchange, certificateKey: KeyObject): Promise<KeyObject | undefined> {
    const bits = limitBits[exchange]
    if ((certificateKey.asymmetricKeyDetails?.modulusLength ?? 0) <= bits) return undefined
    let held = this.#held.get(bits)
    if (!held || held.uses >= USES_PER_KEY) {
      held = { key: generate('rsa', { modulusLength: bits }).then((pair) => pair.privateKey), uses: 0 }
      this.#held.set(bits, held)
    }
    held.uses++
    return held.key
  }
}

import { randomBytes } from 'node:crypto'

/** Nonces not used yet; the oldest go first. */
const MAX_NONCES = 10_000

/** Numbers used once, against replay. RFC 8555 section 6.5. */
export class Nonces {
  readonly #fresh = new Set<string>()

  next(): string {
    const nonce = randomBytes(16).toString('base64url')
    this.#fresh.add(nonce)
    if (this.#fresh.size > MAX_NONCES) {
      const oldest = this.#fresh.values().next()
      if (!oldest.done) this.#fresh.delete(oldest.value)
    }
    return nonce
  }

  /** Whether it was given out and not used yet; it is used now. */
  use(nonce: string | undefined): boolean {
    return nonce !== undefined && this.#fresh.delete(nonce)
  }
}

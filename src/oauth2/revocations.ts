import type { Clock } from '../common/clock.ts'

/** The tokens that have been revoked and have not expired since, by their `jti`. They last until the lab stops. */
export class Revocations {
  readonly #clock: Clock
  /** When each token expires, milliseconds since the epoch. */
  readonly #expiry = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  has(jti: string): boolean {
    return this.#expiry.has(jti)
  }

  add(jti: string, expiresAt: number): void {
    const now = this.#clock.now()
    for (const [id, at] of this.#expiry) if (at <= now) this.#expiry.delete(id)
    this.#expiry.set(jti, expiresAt)
  }
}

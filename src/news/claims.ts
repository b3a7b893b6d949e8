import type { Clock } from '../common/clock.ts'

/** A peer that promised an article and does not send it loses its claim after this time. */
const CLAIM_MS = 60_000
/** No more are held; what is offered beyond them may come twice, and is then stored once. */
const MAX_CLAIMS = 50_000

/** The articles that are on their way in, so that no two peers send the same one. */
export class Claims {
  readonly #clock: Clock
  readonly #claims = new Map<string, { readonly holder: object; readonly until: number }>()

  #sweepAt = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** False where another holder has a claim on it. */
  take(messageId: string, holder: object): boolean {
    const claim = this.#claims.get(messageId)
    const now = this.#clock.now()
    if (claim && claim.holder !== holder && claim.until > now) return false
    if (now >= this.#sweepAt) this.#sweep(now)
    if (claim || this.#claims.size < MAX_CLAIMS) this.#claims.set(messageId, { holder, until: now + CLAIM_MS })
    return true
  }

  release(messageId: string, holder: object): void {
    if (this.#claims.get(messageId)?.holder === holder) this.#claims.delete(messageId)
  }

  /** Gives up every claim of a session that ended. */
  releaseAll(holder: object): void {
    for (const [messageId, claim] of this.#claims) if (claim.holder === holder) this.#claims.delete(messageId)
  }

  /** Forgets those that time has ended. */
  #sweep(now: number): void {
    for (const [messageId, { until }] of this.#claims) if (until <= now) this.#claims.delete(messageId)
    this.#sweepAt = now + CLAIM_MS
  }
}

import { seededRandom } from '../../../core/values/random.ts'
import type { AcmeStrictness } from './options.ts'

const defaults: AcmeStrictness = {
  rejectNonces: 0,
  reuseAuthorizations: 1,
  orderLifetimeMs: [86_400_000, 86_400_000],
  validationDelayMs: 0,
  seed: 0,
}

/** The decisions of a directory that real authorities make differently. The same seed makes the same decisions. */
export class Strictness {
  readonly #settings: AcmeStrictness
  readonly #random: () => number

  constructor(settings: AcmeStrictness = defaults) {
    this.#settings = settings
    this.#random = seededRandom(settings.seed)
  }

  /** Decides whether a good nonce is refused. RFC 8555 section 6.5: the client must try again with a new one. */
  rejectsNonce(): boolean {
    return this.#random() < this.#settings.rejectNonces
  }

  /** Decides whether a valid authorization is used for a new order. RFC 8555 section 7.4 leaves that to the server. */
  reusesAuthorization(): boolean {
    return this.#random() < this.#settings.reuseAuthorizations
  }

  orderLifetimeMs(): number {
    const [shortest, longest] = this.#settings.orderLifetimeMs
    return shortest + this.#random() * (longest - shortest)
  }

  validationDelayMs(): number {
    return this.#random() * this.#settings.validationDelayMs
  }
}

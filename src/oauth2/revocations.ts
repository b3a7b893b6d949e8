import type { Clock } from '../common/clock.ts'
import type { StoreFiles } from '../pki/certificate-store/files.ts'
import { PkiError } from '../pki/errors.ts'

/** Where the list is, in the certificate store. */
const PATH = 'oauth2/revoked.json'

/** The tokens that have been revoked and have not expired since, by their `jti`. They are kept beside the keys. */
export class Revocations {
  readonly #files: Pick<StoreFiles, 'read' | 'write' | 'lock'>
  readonly #clock: Clock
  /** When each token expires, milliseconds since the epoch. */
  readonly #expiry = new Map<string, number>()
  #opening: Promise<void> | undefined

  constructor(files: Pick<StoreFiles, 'read' | 'write' | 'lock'>, clock: Clock) {
    this.#files = files
    this.#clock = clock
  }

  /** Reads the list, once. @throws PkiError `store` */
  open(): Promise<void> {
    this.#opening ??= this.#merge().catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  /** Returns whether a token has been revoked, as far as the list is read. */
  has(jti: string): boolean {
    return this.#expiry.has(jti)
  }

  /** Revokes a token at once, and writes the list. @throws PkiError `store`; the token is revoked until the lab stops then */
  async add(jti: string, expiresAt: number): Promise<void> {
    this.#expiry.set(jti, expiresAt)
    const lock = await this.#files.lock()
    try {
      // Another process may have revoked some.
      await this.#merge()
      this.#dropExpired()
      await this.#files.write(PATH, `${JSON.stringify(Object.fromEntries(this.#expiry))}\n`)
    } finally {
      await lock.release()
    }
  }

  async #merge(): Promise<void> {
    const text = await this.#files.read(PATH)
    if (text === undefined) return
    try {
      for (const [jti, at] of Object.entries(JSON.parse(text) as Record<string, number>)) this.#expiry.set(jti, at)
    } catch (cause) {
      const what = `${PATH} of the certificate store does not have the list of revoked tokens; delete the file`
      throw new PkiError('store', what, { cause })
    }
  }

  /** The clock of the lab may be ahead, and be set back. */
  #dropExpired(): void {
    const now = Math.min(this.#clock.now(), Date.now())
    for (const [jti, at] of this.#expiry) if (at <= now) this.#expiry.delete(jti)
  }
}

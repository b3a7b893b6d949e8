import type { Clock } from '../../core/time/clock.ts'
import type { StoreFiles } from '../../tls/pki/certificate-store/files.ts'
import { PkiError } from '../../tls/pki/errors.ts'

/** Where the list is, in the certificate store. */
const PATH = 'oauth2/revoked.json'

/** The tokens that have been revoked and have not expired since, by their `jti`. They are kept beside the keys. */
export class Revocations {
  readonly #files: Pick<StoreFiles, 'read' | 'exclusively' | 'watch'>
  readonly #clock: Clock
  /** When each token expires, milliseconds since the epoch. */
  readonly #expiry = new Map<string, number>()
  readonly #listeners = new Set<() => void>()
  #opening: Promise<void> | undefined
  #unwatch: (() => void) | undefined

  constructor(files: Pick<StoreFiles, 'read' | 'exclusively' | 'watch'>, clock: Clock) {
    this.#files = files
    this.#clock = clock
  }

  /** Reads the list, once, and follows the other nodes from then on. @throws PkiError `store` */
  open(): Promise<void> {
    this.#opening ??= this.#follow().catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  /** Stops following the other nodes. */
  close(): void {
    this.#unwatch?.()
    this.#unwatch = undefined
  }

  /** Returns whether a token has been revoked, as far as the list is read. */
  has(jti: string): boolean {
    return this.#expiry.has(jti)
  }

  /** Calls `listener` after a token was revoked, on any node. Returns the function that removes the listener. */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Revokes a token immediately, and writes the list. @throws PkiError `store`; the token is revoked until the lab stops then */
  async add(jti: string, expiresAt: number): Promise<void> {
    this.#note([[jti, expiresAt]])
    await this.#files.exclusively(async (files) => {
      // Another process may have revoked some.
      await this.#merge(files)
      this.#dropExpired()
      await files.write(PATH, `${JSON.stringify(Object.fromEntries(this.#expiry))}\n`)
    })
  }

  async #follow(): Promise<void> {
    // If the list cannot be read, this is called again for the same change.
    this.#unwatch ??= this.#files.watch(() => void this.#merge().catch(() => {}), PATH)
    await this.#merge()
  }

  async #merge(files: Pick<StoreFiles, 'read'> = this.#files): Promise<void> {
    const text = await files.read(PATH)
    if (text === undefined) return
    try {
      this.#note(Object.entries(JSON.parse(text) as Record<string, number>))
    } catch (cause) {
      const what = `${PATH} of the certificate store does not have the list of revoked tokens; delete the file`
      throw new PkiError('store', what, { cause })
    }
  }

  #note(revoked: readonly (readonly [jti: string, expiresAt: number])[]): void {
    const isNew = revoked.some(([jti]) => !this.#expiry.has(jti))
    for (const [jti, at] of revoked) this.#expiry.set(jti, at)
    if (isNew) for (const listener of this.#listeners) listener()
  }

  /** The clock of the lab may be ahead, and be set back. */
  #dropExpired(): void {
    const now = Math.min(this.#clock.now(), Date.now())
    for (const [jti, at] of this.#expiry) if (at <= now) this.#expiry.delete(jti)
  }
}

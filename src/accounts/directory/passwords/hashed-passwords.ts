import { createHmac, randomBytes } from 'node:crypto'
import { isKnown, type PasswordForm, scramPasswordOf } from '../../../core/config/accounts/known-passwords.ts'
import { parseHash, type ScramPassword } from '../../../core/config/accounts/password-hash.ts'
import type { Account } from '../types.ts'
import { verifyPassword } from './verify.ts'

/** Right passwords that are remembered: programs log on again and again. */
const MAX_REMEMBERED = 1000

/** The passwords of a directory of which only hashes are known. */
export class HashedPasswords {
  readonly #all: () => readonly Account[]
  readonly #key = randomBytes(32)
  /** Digests of right passwords with their hashes, the last used one at the end. */
  readonly #remembered = new Set<string>()
  readonly #known = new Map<PasswordForm, boolean>()
  readonly #models = new Map<string, ScramPassword | undefined>()
  #hashes: readonly (string | undefined)[] | undefined

  constructor(all: () => readonly Account[]) {
    this.#all = all
  }

  /** Reads the accounts again when they are next needed. */
  forget(): void {
    this.#hashes = undefined
    this.#known.clear()
    this.#models.clear()
  }

  /**
   * Returns whether a password is the one of an account that has a hash.
   * @param name the log-on name in one form. An unknown one takes as long as an account that the name itself chooses: always
   * the same one, so that it looks like an account with that hash
   * @param isGone returns whether nobody waits for the answer any more: then nothing is computed
   */
  async verify(
    account: Account | undefined,
    { name, password }: { readonly name: string; readonly password: string },
    isGone: () => boolean,
  ): Promise<boolean> {
    const hash = account ? account.passwordHash : this.#hashInPlaceOf(name)
    if (hash === undefined) return false
    const digest = this.#digest(JSON.stringify([hash, password])).toString('base64')
    // Others than the account itself must not notice that its password is remembered.
    if (account && this.#remembered.delete(digest)) {
      this.#remembered.add(digest)
      return true
    }
    const known = parseHash(hash)
    const compute = async (): Promise<boolean> => !isGone() && verifyPassword(known, password)
    // A simple digest need not wait for the long computations of others.
    const isSame = await (known.kind === 'digest' ? compute() : inTurn(compute))
    const isRight = isSame && account !== undefined
    if (isRight) this.#remember(digest)
    return isRight
  }

  /** Returns whether enough is known of every password for a mechanism. */
  knows(form: PasswordForm): boolean {
    const found = this.#known.get(form) ?? this.#all().every((account) => isKnown(account, form))
    this.#known.set(form, found)
    return found
  }

  /** Returns the keys of the first account that has some for a hash of SCRAM. */
  scramModel(hash: string): ScramPassword | undefined {
    if (!this.#models.has(hash)) {
      const [first] = this.#all().flatMap((account) => scramPasswordOf(account, hash) ?? [])
      this.#models.set(hash, first)
    }
    return this.#models.get(hash)
  }

  #hashInPlaceOf(name: string): string | undefined {
    this.#hashes ??= this.#all().map(({ passwordHash }) => passwordHash)
    return this.#hashes[this.#digest(name).readUInt32BE() % this.#hashes.length]
  }

  #remember(digest: string): void {
    this.#remembered.add(digest)
    for (const oldest of this.#remembered) {
      if (this.#remembered.size <= MAX_REMEMBERED) return
      this.#remembered.delete(oldest)
    }
  }

  #digest(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest()
  }
}

/** Computations at the same time, of all labs of the process: sessions need the other processors and threads. */
const AT_ONCE = 2

let running = 0
const waiting: (() => void)[] = []

/** Runs a long computation when it is its turn, in the order of the calls. */
async function inTurn<T>(compute: () => Promise<T>): Promise<T> {
  if (running < AT_ONCE) running++
  else await new Promise<void>((resolve) => waiting.push(resolve))
  try {
    return await compute()
  } finally {
    const next = waiting.shift()
    if (next) next()
    else running--
  }
}

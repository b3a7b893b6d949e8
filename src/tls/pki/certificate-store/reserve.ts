import { randomBytes } from 'node:crypto'
import { open, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { flush } from '../../../core/files/flush.ts'

/** Octets beside the index: the lock file, and what the file system rounds up. */
const EXTRA_OCTETS = 16 << 10
/** The reserve grows in steps of this size, so that it is seldom written. */
const STEP_OCTETS = 32 << 10

/**
 * A file that keeps room on the disk, so that certificates can be deleted when it is full: even that needs a lock file and a
 * new index. It is given up for the change and made again after it.
 */
export class Reserve {
  readonly #path: string
  #octets = 0
  #isGivenUp = false

  constructor(folder: string) {
    this.#path = join(folder, '.reserve')
  }

  /** Whether a change in progress uses the room, which must then not be used for anything else. */
  get isGivenUp(): boolean {
    return this.#isGivenUp
  }

  /** Makes sure that there is room for a new index. On a full disk, keeps as much as there is. */
  async keep(indexOctets: number): Promise<void> {
    const wanted = indexOctets + EXTRA_OCTETS
    if (!this.#isGivenUp && this.#octets >= wanted) return
    const octets = Math.ceil(wanted / STEP_OCTETS) * STEP_OCTETS
    this.#octets = await extend(this.#path, octets)
    if (this.#octets >= wanted) this.#isGivenUp = false
  }

  /** Gives up the room. Returns false if none is kept. */
  async giveUp(): Promise<boolean> {
    const { size } = (await stat(this.#path).catch(() => undefined)) ?? { size: 0 }
    if (size === 0) return false
    await rm(this.#path, { force: true })
    this.#isGivenUp = true
    return true
  }
}

/** Extends a file to a size. Returns its size, which is smaller on a full disk. */
async function extend(path: string, octets: number): Promise<number> {
  try {
    await using file = await open(path, 'a', 0o600)
    const { size } = await file.stat()
    if (size >= octets) return size
    // Random, because some file systems compress.
    await file.appendFile(randomBytes(octets - size))
    await flush(file)
    return octets
  } catch {
    // Certificates can be used and changed without a reserve. The next change tries again.
    return (await stat(path).catch(() => undefined))?.size ?? 0
  }
}

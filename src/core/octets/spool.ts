import { randomBytes } from 'node:crypto'
import { accessSync, constants, readdirSync, rmSync } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileError, reasonText } from '../files/file-errors.ts'
import { makeFolder } from '../files/folders.ts'
import type { Pieces } from './pieces.ts'
import { countShortLived } from './short-lived.ts'

const READ_OCTETS = 64 * 1024
const SUFFIX = '.part'

/** A temporary file that could not be written or read. */
export class SpoolError extends Error {
  override readonly name = 'SpoolError'
  /** `no-space`: the disk is full. `read-only`: the folder is not writable. */
  readonly code: 'no-space' | 'read-only' | 'failed'

  constructor(cause: unknown) {
    const { code } = cause as NodeJS.ErrnoException
    super(`a temporary file of the store cannot be used: ${reasonText(cause, 'written')}`, { cause })
    this.code = NO_SPACE.has(code) ? 'no-space' : READ_ONLY.has(code) ? 'read-only' : 'failed'
  }
}

const NO_SPACE = new Set<string | undefined>(['ENOSPC', 'EDQUOT', 'EFBIG'])
const READ_ONLY = new Set<string | undefined>(['EACCES', 'EPERM', 'EROFS'])

/** A folder of temporary files for large messages that have not been stored yet. Only one process may use it. */
export class Spool {
  readonly #folder: string
  readonly #deletions = new Set<Promise<void>>()

  /** Creates the folder, and deletes the files that a killed process left there. @throws Error of the file system */
  constructor(folder: string) {
    this.#folder = folder
    makeFolder(folder, 0o700)
    try {
      accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    } catch (error) {
      throw fileError(error, `the folder ${folder}`, 'written')
    }
    for (const name of readdirSync(folder)) if (name.endsWith(SUFFIX)) rmSync(join(folder, name), { force: true })
  }

  /** Creates an empty file. @throws SpoolError */
  async create(): Promise<SpoolFile> {
    const path = join(this.#folder, randomBytes(12).toString('hex') + SUFFIX)
    const handle = await open(path, 'wx+', 0o600).catch(throwSpoolError)
    return new SpoolFile(handle, () => this.#delete(path))
  }

  /** Resolves when the files of all disposed messages are deleted. */
  async settled(): Promise<void> {
    await Promise.all(this.#deletions)
  }

  #delete(path: string): void {
    // If it fails, the next start deletes the file.
    const deletion = rm(path, { force: true }).catch(() => {})
    this.#deletions.add(deletion)
    void deletion.then(() => this.#deletions.delete(deletion))
  }
}

/** A temporary file. Octets are added at its end, and read once all are written. */
export class SpoolFile {
  readonly #handle: FileHandle
  readonly #remove: () => void
  #octets = 0

  constructor(handle: FileHandle, remove: () => void) {
    this.#handle = handle
    this.#remove = remove
  }

  /** Appends octets to the file. @throws SpoolError */
  async append(pieces: Pieces): Promise<void> {
    for (const piece of pieces) {
      for (let done = 0; done < piece.length; ) {
        const writing = this.#handle.write(piece, done, piece.length - done, this.#octets)
        const { bytesWritten } = await writing.catch(throwSpoolError)
        done += bytesWritten
        this.#octets += bytesWritten
      }
    }
  }

  /** Fills `target` from a position of the file. @throws SpoolError */
  async read(target: Buffer, position: number): Promise<void> {
    for (let done = 0; done < target.length; ) {
      const reading = this.#handle.read(target, done, target.length - done, position + done)
      const { bytesRead } = await reading.catch(throwSpoolError)
      if (bytesRead === 0) throw new SpoolError(new Error('it is shorter than what was written to it'))
      done += bytesRead
    }
  }

  /** Yields the octets from a position to the end. @throws SpoolError */
  async *stream(position: number): AsyncGenerator<Buffer, void, void> {
    for (let at = position; at < this.#octets; ) {
      const piece = Buffer.allocUnsafeSlow(Math.min(READ_OCTETS, this.#octets - at))
      countShortLived(piece.length)
      await this.read(piece, at)
      at += piece.length
      yield piece
    }
  }

  /** Closes and deletes the file. */
  dispose(): void {
    void this.#handle.close().catch(() => {})
    this.#remove()
  }
}

function throwSpoolError(error: unknown): never {
  throw new SpoolError(error)
}

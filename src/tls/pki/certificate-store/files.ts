import type { Records } from './records.ts'

/** Where a certificate store keeps its text files: in a folder, in memory or in a database. Paths are relative and use `/`. */
export interface StoreFiles {
  /** The folder, `memory`, or `the database`; for messages. */
  readonly place: string
  /** Returns undefined if there is no such file. @throws PkiError `store` */
  read(path: string): Promise<string | undefined>
  /** Writes a file atomically: readers see the old text or the new one. @throws PkiError `store` */
  write(path: string, text: string): Promise<void>
  /**
   * Writes a file if it has the text `before`; undefined: if it does not exist. Of several callers that replace the same
   * text, one succeeds; in a database also of those in several processes. Not for the files of the index.
   * @returns whether the file is written @throws PkiError `store`
   */
  replace(path: string, before: string | undefined, text: string): Promise<boolean>
  remove(path: string): Promise<void>
  list(): Promise<string[]>
  /**
   * Runs a change while no other process runs one. In a database, all that it writes takes effect together when it ends,
   * and nothing if it fails or the database was lost; it may then run again. In a folder, each file takes effect immediately.
   * @throws PkiError `store` if another process does not finish its change within a minute; the errors of `change`
   */
  exclusively<T>(change: (files: LockedFiles) => Promise<T>): Promise<T>
  /**
   * Returns a function that reads the files below a folder that are new or changed since its last call, by their paths. The
   * first call reads all. In a folder of the disk there are no others: such files belong to one process.
   */
  changesBelow(folder: string): () => Promise<ReadonlyMap<string, string>>
  /**
   * Calls `changed` after changes by any process. Returns a function that stops it.
   * @param path a file that nobody watches by default, such as a list of revoked tokens. Default: the index and all
   * certificates
   */
  watch(changed: () => void, path?: string): () => void
  /** Returns the short-lived records of a kind. Beyond the limit, the oldest is dropped. */
  records(kind: string, limit: number): Records
  /** Ends what the files have opened. */
  close(): Promise<void>
}

/** A database that can keep the files of a certificate store. */
export interface CertificateDatabase {
  /** @param index path of the file that changes with every change of the store */
  certificateFiles(index: string): Promise<StoreFiles>
}

/** The files of a store during a change. */
export interface LockedFiles {
  read(path: string): Promise<string | undefined>
  write(path: string, text: string, options?: WriteOptions): Promise<void>
  remove(path: string): Promise<void>
  list(): Promise<string[]>
  /** Returns false once another process has taken the lock because it looked abandoned. */
  held(): Promise<boolean>
}

export interface WriteOptions {
  /** Whether the change frees space, so that it may use the room that is kept for it on a full disk. */
  readonly frees?: boolean
}

/**
 * Returns the text of a file, which is made at the first use: by one process, if several need it at the same time.
 * @throws PkiError `store`; the errors of `make`
 */
export async function readOrCreate(
  files: Pick<StoreFiles, 'read' | 'exclusively'>,
  path: string,
  make: () => string | Promise<string>,
): Promise<string> {
  const known = await files.read(path)
  if (known !== undefined) return known
  // Before the lock is taken: keys take a while.
  const made = await make()
  return files.exclusively(async (locked) => {
    const other = await locked.read(path)
    if (other === undefined) await locked.write(path, made)
    return other ?? made
  })
}

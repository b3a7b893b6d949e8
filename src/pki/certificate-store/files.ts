/** The right to change a store, held by one process at a time. */
export interface StoreLock {
  /** False once another process has taken the lock for stale. */
  held(): Promise<boolean>
  release(): Promise<void>
}

/** Where a certificate store keeps its texts: a folder, or memory. Paths are relative, with `/`. */
export interface StoreFiles {
  /** For messages: the folder, or `memory`. */
  readonly place: string
  /** Undefined where there is no such file. */
  read(path: string): Promise<string | undefined>
  /** Whole or not at all: no reader ever sees half a file. */
  write(path: string, text: string): Promise<void>
  remove(path: string): Promise<void>
  list(): Promise<string[]>
  lock(): Promise<StoreLock>
  /** Called after changes made by anyone. Returns the function that ends it. */
  watch(changed: () => void): () => void
}

/** A store that ends with its process. */
export function memoryFiles(): StoreFiles {
  const texts = new Map<string, string>()
  return {
    place: 'memory',
    read: async (path) => texts.get(path),
    write: async (path, text) => void texts.set(path, text),
    remove: async (path) => void texts.delete(path),
    list: async () => [...texts.keys()],
    lock: async () => ({ held: async () => true, release: async () => {} }),
    watch: () => () => {},
  }
}

import type { Database, Key, RootDatabase } from 'lmdb'

/** A row to write or, without a value, to remove. */
interface Write {
  readonly table: Database<unknown, Key>
  readonly key: Key
  readonly value?: unknown
}

/**
 * Where the changes of operations go: into the open transaction, or into a list that the thread of the package writes with
 * a transaction of its own. The list costs half of the thread changes of a transaction that stays open for this thread, but
 * nothing in it can be read before the commit.
 */
export class Writes {
  #collected: Write[] | undefined

  put<V, K extends Key>(table: Database<V, K>, key: K, value: V): void {
    if (this.#collected) this.#collected.push({ table: table as Database<unknown, Key>, key, value })
    else table.putSync(key, value)
  }

  remove<V, K extends Key>(table: Database<V, K>, key: K): void {
    if (this.#collected) this.#collected.push({ table: table as Database<unknown, Key>, key })
    else table.removeSync(key)
  }

  /** Returns the changes that `work` makes, as a list. */
  collect(work: () => void): readonly Write[] {
    const collected: Write[] = []
    this.#collected = collected
    try {
      work()
    } finally {
      this.#collected = undefined
    }
    return collected
  }
}

/** Writes a list of changes in one transaction. Resolves when it is flushed. */
export async function writeAll(env: RootDatabase, writes: readonly Write[]): Promise<void> {
  if (writes.length === 0) return
  await env.batch(() => {
    for (const { table, key, value } of writes) {
      if (value === undefined) void table.remove(key)
      else void table.put(key, value)
    }
  })
}

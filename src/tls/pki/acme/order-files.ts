import type { StoreFiles } from '../certificate-store/files.ts'

/** Keeps records of one kind in files of their own in the certificate store, so that they survive a restart. */
export class RecordFiles<T extends { readonly id: string }> {
  readonly #files: StoreFiles
  readonly #folder: string
  readonly #changes: () => Promise<ReadonlyMap<string, string>>

  /** @param folder relative to the store */
  constructor(files: StoreFiles, folder: string) {
    this.#files = files
    this.#folder = folder
    this.#changes = files.changesBelow(folder)
  }

  /**
   * Returns the records that are new or changed since the last call, including other nodes' records; at the first call all of
   * them. Ignores files that are not records: an order that is lost can be repeated.
   */
  async changed(): Promise<T[]> {
    return [...(await this.#changes())].flatMap(([path, text]) => this.#parse(path, text) ?? [])
  }

  save(record: T): Promise<void> {
    return this.#files.write(this.#path(record.id), recordLine(record))
  }

  /**
   * Changes a record as it is now, whichever node changed it last.
   * @param change may be called again, if another node was faster
   * @returns undefined if there is no such record any more
   */
  async change(id: string, change: (record: T) => T): Promise<T | undefined> {
    const path = this.#path(id)
    for (;;) {
      const before = await this.#files.read(path)
      const record = this.#parse(path, before ?? '')
      if (!record) return undefined
      const after = change(record)
      if (await this.#files.replace(path, before, recordLine(after))) return after
    }
  }

  remove(id: string): Promise<void> {
    return this.#files.remove(this.#path(id))
  }

  #path(id: string): string {
    return `${this.#folder}/${id}.json`
  }

  #parse(path: string, text: string): T | undefined {
    try {
      const record = JSON.parse(text) as T
      return path === this.#path(record.id) ? record : undefined
    } catch {
      return undefined
    }
  }
}

const recordLine = (record: object): string => `${JSON.stringify(record)}\n`

import type { StoreFiles } from '../certificate-store/files.ts'

/** Keeps records of one kind in files of their own below the certificate store, so that they survive a restart. */
export class RecordFiles<T extends { readonly id: string }> {
  readonly #files: StoreFiles
  readonly #folder: string

  /** @param folder relative to the store */
  constructor(files: StoreFiles, folder: string) {
    this.#files = files
    this.#folder = folder
  }

  /** Returns all records. Ignores files that are not records: an order that is lost can be repeated. */
  async load(): Promise<T[]> {
    const paths = (await this.#files.list()).filter((path) => path.startsWith(`${this.#folder}/`))
    const records = await Promise.all(paths.map((path) => this.#read(path)))
    return records.filter((record) => record !== undefined)
  }

  save(record: T): Promise<void> {
    return this.#files.write(this.#path(record.id), `${JSON.stringify(record)}\n`)
  }

  remove(id: string): Promise<void> {
    return this.#files.remove(this.#path(id))
  }

  #path(id: string): string {
    return `${this.#folder}/${id}.json`
  }

  async #read(path: string): Promise<T | undefined> {
    try {
      const record = JSON.parse((await this.#files.read(path)) ?? '') as T
      return path === this.#path(record.id) ? record : undefined
    } catch {
      return undefined
    }
  }
}

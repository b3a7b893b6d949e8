import type { Database } from '../../../database/database-types.ts'

/** Numbers that one request takes at least. */
const BLOCK = 256

/** The numbers of blobs, of which each node takes many at a time. */
export class BlobNumbers {
  readonly #database: Database
  #free: number[] = []
  /** The greatest number that it ever had. */
  #last = 0
  #mustSkip = false

  constructor(database: Database) {
    this.#database = database
  }

  /** Forgets the numbers that it has: another server may give them to others. */
  restart(): void {
    this.#free = []
    this.#mustSkip = true
  }

  /** Returns numbers that no blob has. @throws DatabaseError */
  async take(numbers: number): Promise<readonly number[]> {
    if (this.#mustSkip) await this.#skip()
    while (this.#free.length < numbers) {
      const rows = await this.#database.query<{ number: number }>(
        "select nextval('blob_numbers') as number from generate_series(1, $1)",
        [Math.max(BLOCK, numbers)],
      )
      for (const { number } of rows) this.#last = Math.max(this.#last, number)
      this.#free.push(...rows.map(({ number }) => number))
    }
    return this.#free.splice(0, numbers)
  }

  /** Skips numbers of blobs that another server has lost: their octets may still be in memory. */
  async #skip(): Promise<void> {
    const [next] = await this.#database.query<{ number: number }>("select nextval('blob_numbers') as number")
    const isBehind = next !== undefined && next.number <= this.#last
    if (isBehind) await this.#database.query("select setval('blob_numbers', $1)", [this.#last + BLOCK])
    this.#mustSkip = false
  }
}

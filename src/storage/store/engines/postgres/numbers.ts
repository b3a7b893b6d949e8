import type { Database } from '../../../database/database-types.ts'

/** Numbers that one request takes at least. */
const BLOCK = 256

/** The numbers of blobs, of which each node takes many at a time. */
export class BlobNumbers {
  readonly #database: Database
  #free: number[] = []

  constructor(database: Database) {
    this.#database = database
  }

  /** Returns numbers that no blob has. @throws DatabaseError */
  async take(numbers: number): Promise<readonly number[]> {
    while (this.#free.length < numbers) {
      const rows = await this.#database.query<{ number: number }>(
        "select nextval('blob_numbers') as number from generate_series(1, $1)",
        [Math.max(BLOCK, numbers)],
      )
      this.#free.push(...rows.map(({ number }) => number))
    }
    return this.#free.splice(0, numbers)
  }
}

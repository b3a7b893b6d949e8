import type { Database, Octets } from '../../../database/database-types.ts'

/** Returns the only column of a query's rows, `octets`. Null: there are no octets. @throws DatabaseError */
export async function queryOctets(
  database: Pick<Database, 'query' | 'queryBinary'>,
  text: string,
  values: readonly unknown[],
): Promise<(Buffer | null)[]> {
  const found: (Buffer | null)[] = []
  for (const [octets] of await database.queryBinary<[Octets]>(text, values)) {
    if (octets === undefined) {
      const rows = await database.query<{ readonly octets: Buffer | null }>(text, values)
      return rows.map((row) => row.octets)
    }
    found.push(octets)
  }
  return found
}

import { describe, expect, test, vi } from 'vitest'
import { OwnValues, type SharedValues } from '../../../src/core/values/shared-values.ts'
import { openDatabase } from '../../../src/storage/database/database.ts'
import type { Database } from '../../../src/storage/database/database-types.ts'
import { DatabaseError } from '../../../src/storage/database/errors.ts'
import { PostgresValues } from '../../../src/storage/database/shared-values.ts'
import { CutLink } from '../../support/cut-link.ts'
import { log } from '../../support/log.ts'
import { freshDatabase, needsPostgres, Postgres, sharedPostgres } from '../../support/postgres.ts'
import { isThorough } from '../../support/thorough.ts'

const GENEROUS = { timeout: 20_000, interval: 5 }

/** The values of one node. */
class Node implements AsyncDisposable {
  readonly database: Database
  readonly values: PostgresValues
  readonly reported: unknown[]
  private constructor(database: Database, values: PostgresValues, reported: unknown[]) {
    this.database = database
    this.values = values
    this.reported = reported
  }

  static async open(node: string, { url, schema }: { readonly url: string; readonly schema: string }): Promise<Node> {
    const database = await openDatabase({ url, pool: 4, schema, node }, { log })
    const reported: unknown[] = []
    const report = (error: unknown): void => void reported.push(error)
    return new Node(database, await PostgresValues.open(database, { asError: (error) => error, report }), reported)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.values[Symbol.asyncDispose]()
    await this.database[Symbol.asyncDispose]()
  }
}

async function twoNodes() {
  const place = await freshDatabase()
  const [one, other] = [await Node.open('one', place), await Node.open('other', place)]
  return {
    place,
    one,
    other,
    async [Symbol.asyncDispose]() {
      await one[Symbol.asyncDispose]()
      await other[Symbol.asyncDispose]()
    },
  }
}

const kinds: readonly [string, () => Promise<AsyncDisposable & { readonly values: SharedValues }>][] = [
  ['of one process', async () => ({ values: new OwnValues(), [Symbol.asyncDispose]: async () => {} })],
  ...(needsPostgres()
    ? [['in PostgreSQL', async () => Node.open('one', await freshDatabase())] as [string, () => Promise<Node>]]
    : []),
]

describe.each(kinds)('values %s', (_, open) => {
  test('are put, changed, deleted and cleared, and listeners learn each change', async () => {
    await using kept = await open()
    const map = kept.values.map<{ readonly n: number }>('things')
    const seen: unknown[] = []
    map.watch(({ key, value, previous }) => seen.push([key, value?.n, previous?.n]))
    await map.put('a', { n: 1 })
    await map.put('b', { n: 2 })
    await map.put('a', { n: 3 })
    expect([...map.entries()]).toEqual([
      ['a', { n: 3 }],
      ['b', { n: 2 }],
    ])
    await map.delete('b')
    await map.delete('c')
    expect(map.has('b')).toBe(false)
    await map.put('b', { n: 4 })
    await map.clear()
    expect(map.size).toBe(0)
    expect(seen.slice(0, 5)).toEqual([
      ['a', 1, undefined],
      ['b', 2, undefined],
      ['a', 3, 1],
      ['b', undefined, 2],
      ['b', 4, undefined],
    ])
    expect(seen.slice(5)).toEqual(
      expect.arrayContaining([
        ['a', undefined, 3],
        ['b', undefined, 4],
      ]),
    )
    expect(kept.values.map('things')).toBe(map)
    expect(kept.values.map('others').size).toBe(0)
  })

  test('are claimed once, also after they were deleted', async () => {
    await using kept = await open()
    const map = kept.values.map<string>('claims')
    expect(await Promise.all(['x', 'y', 'z'].map((by) => map.claim('key', by)))).toEqual(
      expect.arrayContaining([true, false, false]),
    )
    expect(['x', 'y', 'z']).toContain(map.get('key'))
    await map.delete('key')
    expect(await map.claim('key', 'again')).toBe(true)
    expect(map.get('key')).toBe('again')
  })

  test('count, and no two calls get the same number', async () => {
    await using kept = await open()
    const map = kept.values.map<number>('counts')
    const numbers = await Promise.all(Array.from({ length: 20 }, () => map.add('hits', 1)))
    expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
    expect(await map.add('hits', -5)).toBe(15)
    expect(map.get('hits')).toBe(15)
  })

  test('are forgotten after their time, and can be claimed then', async () => {
    await using kept = await open()
    const map = kept.values.map<string>('short')
    await map.put('key', 'value', { ttlMs: 60_000 })
    expect(map.get('key')).toBe('value')
    await map.put('key', 'value', { ttlMs: 1 })
    await vi.waitFor(() => expect(map.get('key')).toBeUndefined(), GENEROUS)
    expect([...map.entries()]).toEqual([])
    expect(await map.claim('key', 'next')).toBe(true)
    expect(map.get('key')).toBe('next')
  })
})

describe.skipIf(!needsPostgres())('nodes that share values', () => {
  test('learn what the others change, and begin with what is there', async () => {
    await using nodes = await twoNodes()
    const { one, other, place } = nodes
    await one.values.map('things').put('ключ "1"', { text: 'a\u0000b\ud800', list: [1, null] })
    const seen = other.values.map('things')
    await vi.waitFor(() => expect(seen.get('ключ "1"')).toEqual({ text: 'a\u0000b\ud800', list: [1, null] }), GENEROUS)
    await using third = await Node.open('third', place)
    expect([...third.values.map('things').entries()]).toEqual([...seen.entries()])
    await third.values.map('things').delete('ключ "1"')
    await vi.waitFor(() => expect(seen.size).toBe(0), GENEROUS)
  })

  test('know after a refresh what was written before it', async () => {
    await using nodes = await twoNodes()
    const { one, other } = nodes
    for (let n = 0; n < 50; n++) {
      await one.values.map('things').put('n', n)
      await other.values.refresh()
      expect(other.values.map('things').get('n')).toBe(n)
    }
  })

  test('claim each key once, and count together', async () => {
    await using nodes = await twoNodes()
    const { one, other } = nodes
    const keys = Array.from({ length: 50 }, (_, index) => `key ${index}`)
    const claimed = (node: Node) =>
      Promise.all(keys.map((key) => node.values.map('claims').claim(key, node.database.node)))
    const [ofOne, ofOther] = await Promise.all([claimed(one), claimed(other)])
    expect(ofOne.map((isMine, index) => isMine !== ofOther[index])).toEqual(keys.map(() => true))
    const added = (node: Node) =>
      Promise.all(Array.from({ length: 50 }, () => node.values.map<number>('counts').add('hits', 1)))
    const numbers = (await Promise.all([added(one), added(other)])).flat()
    expect(new Set(numbers).size).toBe(100)
    expect(Math.max(...numbers)).toBe(100)
  })

  test('read everything again if they have missed removals that are no longer kept', async () => {
    const server = await sharedPostgres()
    const { url, schema } = await freshDatabase()
    await using link = await CutLink.open(server.port)
    await using one = await Node.open('one', { url, schema })
    await using away = await Node.open('away', { url: server.urlAt(link.port), schema })
    const things = one.values.map('things')
    await things.put('old', 1)
    await things.put('kept', 2)
    await vi.waitFor(() => expect(away.values.map('things').size).toBe(2), GENEROUS)
    link.cut()
    await vi.waitFor(() => expect(away.database.state).toBe('disconnected'), GENEROUS)
    await things.delete('old')
    await things.put('new', 3)
    // As the sweep does after ten minutes.
    await server.sql(`DELETE FROM ${schema}.shared_values WHERE value IS NULL;
      UPDATE ${schema}.shared_spaces SET forgotten = revision - 1 WHERE name = 'things'`)
    expect(away.values.map('things').get('old')).toBe(1)
    link.mend()
    await vi.waitFor(() => expect(away.values.map('things').has('new')).toBe(true), GENEROUS)
    expect([...away.values.map('things').entries()].sort()).toEqual([
      ['kept', 2],
      ['new', 3],
    ])
    expect(away.reported).toEqual([])
  })

  test.runIf(isThorough)(
    'refuse changes while the database is away, keep what they know, and work again after',
    async () => {
      await using server = await Postgres.start()
      const place = await freshDatabase(server.url)
      await using node = await Node.open('one', place)
      const things = node.values.map('things')
      await things.put('known', 1)
      await server.stop('immediate')
      await expect(things.put('lost', 2)).rejects.toSatisfy(
        (error) => error instanceof DatabaseError && error.isTemporary,
      )
      await node.values.refresh()
      expect([...things.entries()]).toEqual([['known', 1]])
      await server.restart()
      await vi.waitFor(() => things.put('again', 3), GENEROUS)
      expect([...things.entries()]).toEqual([
        ['known', 1],
        ['again', 3],
      ])
    },
  )
})

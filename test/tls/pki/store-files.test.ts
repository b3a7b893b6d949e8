import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDatabase } from '../../../src/storage/database/database.ts'
import type { Database } from '../../../src/storage/database/database-types.ts'
import type { StoreFiles } from '../../../src/tls/pki/certificate-store/files.ts'
import { openFiles } from '../../../src/tls/pki/certificate-store/store.ts'
import { newFolder } from '../../support/folder.ts'
import { freshDatabase, needsPostgres } from '../../support/postgres.ts'
import { deferred } from './support.ts'

/** A place for files, which several processes open. */
interface Place extends AsyncDisposable {
  open(): Promise<StoreFiles>
}

async function folderPlace(): Promise<Place> {
  const folder = newFolder()
  return {
    open: () => openFiles({ folder: join(folder, 'certs') }),
    [Symbol.asyncDispose]: async () => {},
  }
}

async function databasePlace(secret?: string): Promise<Place> {
  const fresh = await freshDatabase()
  const opened: Database[] = []
  return {
    async open() {
      const node = `node-${opened.length}`
      const database = await openDatabase({ ...fresh, pool: 2, node }, { log: pino({ level: 'silent' }) })
      opened.push(database)
      return openFiles({ folder: 'database', database, keyProtection: { secret } })
    },
    async [Symbol.asyncDispose]() {
      for (const database of opened) await database[Symbol.asyncDispose]()
    },
  }
}

async function memoryPlace(): Promise<Place> {
  const files = await openFiles({ folder: 'memory' })
  return { open: async () => files, [Symbol.asyncDispose]: async () => {} }
}

const places = [
  { kind: 'memory', create: memoryPlace, isShared: false },
  { kind: 'a folder', create: folderPlace, isShared: false },
  ...(needsPostgres()
    ? [
        { kind: 'a database', create: () => databasePlace(), isShared: true },
        {
          kind: 'a database with encrypted keys',
          create: () => databasePlace('a secret of the nodes'),
          isShared: true,
        },
      ]
    : []),
]

describe.each(places)('files in $kind', ({ create, isShared }) => {
  let place: Place
  let one: StoreFiles
  let other: StoreFiles

  beforeAll(async () => {
    place = await create()
    one = await place.open()
    other = await place.open()
  })
  afterAll(() => place?.[Symbol.asyncDispose]())

  it('are read as they were written, by every process', async () => {
    expect(await other.read('keys/a.pem')).toBeUndefined()
    await one.write('keys/a.pem', 'first ü\n')
    expect(await other.read('keys/a.pem')).toBe('first ü\n')
    await other.write('keys/a.pem', 'second')
    expect(await one.read('keys/a.pem')).toBe('second')
    expect(await one.list()).toContain('keys/a.pem')
    await one.remove('keys/a.pem')
    await one.remove('keys/a.pem')
    expect(await other.read('keys/a.pem')).toBeUndefined()
    expect(await other.list()).not.toContain('keys/a.pem')
  })

  it('are changed by one process at a time', async () => {
    await one.write('count', '0')
    const add = (files: StoreFiles) =>
      files.exclusively(async (locked) => {
        const count = Number(await locked.read('count'))
        await locked.write('count', String(count + 1))
        return count
      })
    const seen = await Promise.all(Array.from({ length: 40 }, (_, n) => add(n % 2 === 0 ? one : other)))
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, n) => n))
    expect(await one.read('count')).toBe('40')
  })

  it('give the lock up after an error, which the caller gets', async () => {
    const refused = new Error('refused')
    await expect(one.exclusively(() => Promise.reject(refused))).rejects.toBe(refused)
    expect(await other.exclusively(async (locked) => locked.held())).toBe(true)
  })

  it('are replaced by one of several who replace the same text', async () => {
    const results = await Promise.all(Array.from({ length: 8 }, () => one.replace('new', undefined, 'text')))
    expect(results.filter(Boolean)).toHaveLength(1)
    expect(await one.replace('new', 'another text', 'x')).toBe(false)
    expect(await one.replace('new', 'text', 'next')).toBe(true)
    expect(await one.read('new')).toBe('next')
  })

  it('list the changes below a folder', async () => {
    await one.write('acme/a/orders/1.json', 'one')
    await one.write('acme/a/orders-2/1.json', 'beside')
    const changes = other.changesBelow('acme/a/orders')
    expect(await changes()).toEqual(new Map([['acme/a/orders/1.json', 'one']]))
    expect(await changes()).toEqual(new Map())
    if (!isShared) return
    await one.write('acme/a/orders/1.json', 'changed')
    await one.write('acme/a/orders/2.json', 'two')
    const changed = [
      ['acme/a/orders/1.json', 'changed'],
      ['acme/a/orders/2.json', 'two'],
    ] as const
    expect(await changes()).toEqual(new Map(changed))
  })

  it('have records that are found by id and by key', async () => {
    const records = one.records('codes', 100)
    await records.put('a', { text: 'A', keys: ['grant 1', 'uid 1'], lifeMs: 60_000 })
    await records.put('b', { text: 'B', keys: ['grant 1'], lifeMs: 60_000 })
    expect(await records.get('a')).toEqual({ text: 'A', ageMs: expect.any(Number) })
    expect((await records.get('a'))?.ageMs).toBeGreaterThanOrEqual(0)
    expect((await records.withKey('grant 1')).map(({ text }) => text)).toEqual(['A', 'B'])
    expect(await records.add('a', { text: 'other', lifeMs: 60_000 })).toBe(false)
    expect(await records.replace('a', 'B', 'x')).toBe(false)
    expect(await records.replace('a', 'A', 'A2')).toBe(true)
    expect((await records.withKey('uid 1')).map(({ text }) => text)).toEqual(['A2'])
    expect(await Promise.all([records.remove('b'), records.remove('b')])).toContain(true)
    expect(await records.remove('b')).toBe(false)
    await records.removeWithKey('grant 1')
    expect(await records.get('a')).toBeUndefined()
    await records.put('short', { text: '', lifeMs: -1 })
    expect(await records.add('short', { text: 'again', lifeMs: 60_000 })).toBe(true)
    expect(await one.records('others', 10).get('short')).toBeUndefined()
    await records.clear()
    expect(await records.get('short')).toBeUndefined()
  })

  it('drop the oldest records', async () => {
    const records = one.records('few', 10)
    for (let n = 0; n < 200; n++) await records.put(`${n}`, { text: `${n}`, lifeMs: 60_000 })
    expect(await records.get('0')).toBeUndefined()
    expect((await records.get('199'))?.text).toBe('199')
  })

  it.runIf(isShared)('tell the other processes of changes of the index and of watched files', async () => {
    const [index, list] = [deferred(), deferred()]
    await one.exclusively((locked) => locked.write('store.json', '{}'))
    await other.read('store.json')
    await other.read('oauth2/revoked.json')
    const stops = [other.watch(() => index.resolve()), other.watch(() => list.resolve(), 'oauth2/revoked.json')]
    await one.exclusively((locked) => locked.write('store.json', '{"revision":2}'))
    await index.promise
    expect(await other.read('store.json')).toBe('{"revision":2}')
    await one.exclusively((locked) => locked.write('oauth2/revoked.json', '{}'))
    await list.promise
    for (const stop of stops) stop()
  })

  it.runIf(isShared)('are changed completely or not at all', async () => {
    const failing = one.exclusively(async (locked) => {
      await locked.write('half/1', 'x')
      await locked.write('half/2', 'x')
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect((await other.list()).filter((path) => path.startsWith('half/'))).toEqual([])
  })
})

it.runIf(needsPostgres())(
  'private keys in a database are encrypted with a secret, and only readable with it',
  async () => {
    const fresh = await freshDatabase()
    const log = pino({ level: 'silent' })
    await using database = await openDatabase({ ...fresh, pool: 2, node: 'a' }, { log })
    const open = (secret?: string) => openFiles({ folder: 'database', database, keyProtection: { secret } })
    const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const { d, ...others } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
    const set = `${JSON.stringify({ keys: [{ ...others, d, kid: '1', alg: 'ES256', use: 'sig' }] })}\n`
    const plain = await open()
    await plain.write('keys/early.pem', pem)
    await plain.write('oauth2/keys.json', set)
    const files = await open('the secret')
    await files.write('keys/late.pem', `before\n${pem}after\n`)
    expect(await files.replace('dkim/one.pem', undefined, pem)).toBe(true)
    expect(await files.replace('dkim/one.pem', pem, pem)).toBe(true)
    const rows = await database.query<{ readonly text: string }>('select text from certificate_files')
    expect(rows.length).toBe(5)
    for (const { text } of rows) {
      expect(text).toContain('-----BEGIN ENCRYPTED PRIVATE KEY-----')
      expect(text).not.toContain(pem.split('\n')[1])
      expect(text).not.toContain(d)
    }
    expect(await files.read('keys/early.pem')).toBe(pem)
    expect(await files.read('keys/late.pem')).toBe(`before\n${pem}after\n`)
    expect(JSON.parse((await files.read('oauth2/keys.json')) ?? '')).toEqual(JSON.parse(set))
    expect(await files.exclusively((locked) => locked.read('dkim/one.pem'))).toBe(pem)
    await expect(plain.read('keys/late.pem')).rejects.toThrow('set cluster.keySecret')
    await expect(open()).rejects.toThrow('set cluster.keySecret')
    await expect(open('another secret')).rejects.toThrow('is not the secret')
  },
)

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { LmdbStore } from '../../../src/storage/store/engines/lmdb/lmdb-store.ts'
import { checkStore, copyStore, openLmdbStore, restoreStore } from '../../../src/storage/store/engines/lmdb/open.ts'
import { currentFormat, type UpgradeStep, upgradeSteps } from '../../../src/storage/store/engines/lmdb/upgrade-steps.ts'
import { accountOwner } from '../../../src/storage/store/folder.ts'
import { newFolder } from '../../support/folder.ts'
import { withTables } from '../../support/lmdb-file.ts'
import { log } from '../../support/log.ts'
import { TestClock } from '../../support/test-clock.ts'
import { message } from '../contract/store-context.ts'

/** The steps of the program, to which each test adds its own. */
const steps = upgradeSteps as UpgradeStep[]
const format = currentFormat()
const dropSteps = (): void => void steps.splice(format - 1)

const alice = accountOwner('alice')
const open = (folder: string): Promise<LmdbStore> => openLmdbStore(folder, { clock: new TestClock(), log })
const formatOf = (folder: string): Promise<unknown> => withTables(folder, (table) => table('meta').get('format'))

/** A step that adds a keyword to every message, one transaction each, and fails before the message `failsAt`. */
const addKeyword = (keyword: string, failsAt = Number.POSITIVE_INFINITY): UpgradeStep => ({
  name: `add ${keyword}`,
  run({ env, entries }) {
    for (const { key, value } of [...entries.getRange({})]) {
      if (key[1] === failsAt) throw new Error('the power failed')
      const flags = [...value[4].filter((flag) => flag !== keyword), keyword]
      env.transactionSync(() => entries.putSync(key, value.with(4, flags) as unknown as typeof value))
    }
  },
})

/** Returns the messages of alice, each as its uid, its text and its flags. */
async function contentOf(folder: string): Promise<unknown[]> {
  await using store = await open(folder)
  const inbox = await store.findFolder(alice, 'INBOX')
  if (!inbox) throw new Error('the folder is missing')
  const found = await store.list(inbox.id)
  const texts = await Promise.all(found.map(({ uid }) => store.read(inbox.id, uid)))
  return found.map(({ uid, flags }, i) => [uid, texts[i]?.toString(), ...flags])
}

let place: string
let folder: string
beforeEach(async () => {
  place = newFolder()
  folder = join(place, 'data')
  await using store = await open(folder)
  const inbox = await store.createFolder(alice, 'INBOX')
  await store.append([message('one', inbox), message('two', inbox)])
})
afterEach(() => {
  dropSteps()
})

test('a new store has the current format', async () => {
  expect(await formatOf(folder)).toBe(format)
})

test('a store of an older format is upgraded, one step after the other, each once', async () => {
  steps.push(addKeyword('First'), addKeyword('Second'))
  const upgraded = [
    [1, 'one', 'First', 'Second'],
    [2, 'two', 'First', 'Second'],
  ]
  expect(await contentOf(folder)).toEqual(upgraded)
  expect(await formatOf(folder)).toBe(format + 2)
  dropSteps()
  steps.push(addKeyword('Again'), addKeyword('Again'))
  expect(await contentOf(folder)).toEqual(upgraded)
})

test('a store of a newer format is refused', async () => {
  steps.push(addKeyword('Newer'))
  await contentOf(folder)
  dropSteps()
  await expect(open(folder)).rejects.toMatchObject({
    code: 'read-only',
    message: expect.stringMatching(
      /^the store has format \d+, but .* supports only up to format \d+; use a newer Sealpost$/,
    ),
  })
  expect(await formatOf(folder)).toBe(format + 1)
})

test('an interrupted upgrade keeps everything, and the next start repeats its step', async () => {
  steps.push(addKeyword('First'), addKeyword('Second', 2))
  await expect(open(folder)).rejects.toThrow('the power failed')
  expect(await formatOf(folder)).toBe(format + 1)
  steps.splice(-1, 1, addKeyword('Second'))
  expect(await contentOf(folder)).toEqual([
    [1, 'one', 'First', 'Second'],
    [2, 'two', 'First', 'Second'],
  ])
  expect(await formatOf(folder)).toBe(format + 2)
})

test('an older store is copied as it is, and a copy is restored and then upgraded', async () => {
  steps.push(addKeyword('First'))
  const backup = join(place, 'backup')
  mkdirSync(backup)
  const copy = join(backup, 'messages.mdb')
  expect(await copyStore(folder, copy)).toMatchObject({ folders: 1, messages: 2 })
  expect(await formatOf(backup)).toBe(format)
  await restoreStore(folder, copy, log)
  expect(await contentOf(folder)).toHaveLength(2)
  expect(await formatOf(folder)).toBe(format + 1)
})

test('a store is upgraded before it is checked', async () => {
  steps.push({ name: 'nothing', run: () => {} })
  expect(await checkStore(folder, log)).toEqual({ folders: 1, messages: 2, faults: [] })
  expect(await formatOf(folder)).toBe(format + 1)
})

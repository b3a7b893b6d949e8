import { expect, test } from 'vitest'
import { FactsReader } from '../../../src/api/messages/message-facts.ts'
import type { IndexedMessage } from '../../../src/api/messages/message-index.ts'
import { MemoryBudget } from '../../../src/core/octets/memory-budget.ts'
import type { MessageStore } from '../../../src/storage/store/types.ts'

test('a copy is read although the one that was read first is deleted meanwhile', async () => {
  const raw = Buffer.from('From: a@b.test\r\nSubject: code\r\n\r\n123456\r\n')
  let release = (): void => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const read = async (folder: string): Promise<Buffer | undefined> => {
    if (folder !== 'carol') return raw
    await released
    return undefined
  }
  const reader = new FactsReader({ read } as unknown as MessageStore, new MemoryBudget())
  const copyOf = (id: string) =>
    ({ folder: { id }, entry: { blob: 'b1', sizeOctets: raw.length, uid: 1, flags: [] } }) as unknown as IndexedMessage
  const names = ['carol', 'bob', 'dave']
  const facts = names.map((name) => reader.facts(copyOf(name)))
  const uses = names.map((name) => reader.use(copyOf(name), ({ read: { subject } }) => subject))
  release()
  expect((await Promise.all(facts)).map((one) => one?.subject)).toEqual([undefined, 'code', 'code'])
  expect((await Promise.all(uses)).slice(1)).toEqual(['code', 'code'])
})

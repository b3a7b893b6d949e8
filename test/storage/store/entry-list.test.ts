import { expect, it } from 'vitest'
import { seededRandom } from '../../../src/core/values/random.ts'
import {
  type Block,
  type BlockCounts,
  type BlockSource,
  blockOf,
  uidsOf,
} from '../../../src/storage/store/entries/entry-block.ts'
import { EntryList } from '../../../src/storage/store/entries/entry-list.ts'
import type { MessageEntry } from '../../../src/storage/store/message-entry.ts'

const entry = (uid: number, ...flags: string[]): MessageEntry => ({
  uid,
  blob: `${uid}`,
  sizeOctets: uid,
  internalDate: 0,
  savedAt: 0,
  flags,
  modSeq: 1,
})

/** A source with these entries, which counts how often it is read. */
class TestSource implements BlockSource {
  reads = 0
  readonly held = new Set<Block>()
  readonly #entries: readonly MessageEntry[]

  constructor(entries: readonly MessageEntry[]) {
    this.#entries = entries
  }

  get counts(): BlockCounts[] {
    const numbers = [...new Set(this.#entries.map(({ uid }) => blockOf(uid)))]
    return numbers.map((number) => {
      const flags = this.#entries.filter(({ uid }) => blockOf(uid) === number).map((one) => one.flags)
      return {
        number,
        size: flags.length,
        unseen: flags.filter((one) => !one.includes('\\Seen')).length,
        deleted: flags.filter((one) => one.includes('\\Deleted')).length,
      }
    })
  }

  read(block: number): readonly MessageEntry[] {
    this.reads++
    const { from, to } = uidsOf(block)
    return this.#entries.filter(({ uid }) => uid >= from && uid <= to)
  }

  holds(block: Block): void {
    this.held.add(block)
  }

  leaves(block: Block): void {
    this.held.delete(block)
  }
}

it('has the entries of an array after random changes, and so have its earlier copies', () => {
  const next = seededRandom(5)
  const random = (below: number): number => Math.floor(next() * below)
  const flagsOf = (): string[] => [...(random(3) ? ['\\Seen'] : []), ...(random(50) ? [] : ['\\Deleted'])]
  const list = new EntryList()
  let model: MessageEntry[] = []
  let uidNext = 1
  const copies: [EntryList, readonly MessageEntry[]][] = []
  for (let round = 0; round < 300; round++) {
    for (let i = random(20); i > 0; i--) {
      uidNext += random(20) ? 0 : random(700)
      const added = entry(uidNext++, ...flagsOf())
      list.append(added)
      model.push(added)
    }
    const gone = new Set(model.filter(() => random(25) === 0).map(({ uid }) => uid))
    model = model.filter(({ uid }) => !gone.has(uid))
    list.remove([...gone])
    for (let i = random(4); i > 0 && model.length > 0; i--) {
      const index = random(model.length)
      const changed = entry(model[index]?.uid ?? 0, ...flagsOf())
      model[index] = changed
      list.replace(changed)
    }
    if (random(5) === 0) copies.push([list.share(), model.slice()])
    if (random(20) === 0) copies.push([EntryList.of(model), model.slice()])
    const uid = random(uidNext + 2)
    const index = model.findIndex((one) => one.uid >= uid)
    const [from, to] = [random(model.length + 2), random(model.length + 2)]
    const at = random(model.length + 2) - 1
    expect([list.length, list.indexFrom(uid), list.indexOf(uid), list.find(uid), list.at(at)]).toEqual([
      model.length,
      index < 0 ? model.length : index,
      model.findIndex((one) => one.uid === uid),
      model.find((one) => one.uid === uid),
      model.at(at),
    ])
    expect(list.slice(from, to)).toEqual(model.slice(from, to))
    expect(list.firstUnseen).toBe(model.findIndex(({ flags }) => !flags.includes('\\Seen')) + 1)
  }
  expect([...list.deleted()]).toEqual(model.filter(({ flags }) => flags.includes('\\Deleted')))
  for (const [copy, expected] of copies) expect([...copy]).toEqual(expected)
})

const stored = Array.from({ length: 2_000 }, (_, i) => entry(3 * i + 1, ...(i < 900 ? ['\\Seen'] : [])))

it('reads entries from their source when they are needed, once', () => {
  const source = new TestSource(stored)
  const list = new EntryList(source, source.counts)
  expect([list.length, source.reads]).toEqual([2_000, 0])
  expect([list.at(0)?.uid, list.at(-1)?.uid, list.at(2_000), source.reads]).toEqual([1, 5_998, undefined, 2])
  expect([list.firstUnseen, list.indexFrom(2_702), source.reads]).toEqual([901, 901, 3])
  expect([list.indexOf(2_701), list.find(2_702), source.reads]).toEqual([900, undefined, 3])
  expect(list.share().slice()).toEqual(stored)
  expect([[...list], source.reads]).toEqual([stored, source.counts.length])
})

it('reads entries again after they were dropped, but not those that a copy alone has', () => {
  const source = new TestSource(stored)
  const list = new EntryList(source, source.counts)
  const copy = list.share()
  list.pin([1, 4, 301])
  list.replace(entry(1, '\\Flagged'))
  list.remove([301])
  const { reads } = source
  for (const block of source.held) block.drop()
  expect([copy.slice(0, 3), copy.find(301), source.reads]).toEqual([stored.slice(0, 3), stored[100], reads])
  expect([list.at(0), source.reads]).toEqual([stored[0], reads + 1])
})

it('names the blocks that changed since an earlier copy', () => {
  const list = new EntryList()
  // Two groups of blocks and a gap between them.
  for (let uid = 1; uid <= 20_000; uid++) list.append(entry(uid))
  for (let uid = 90_000; uid <= 90_300; uid++) list.append(entry(uid))
  const before = list.share()
  expect([...list.changesSince(before)]).toEqual([])
  list.replace(entry(1, '\\Seen'))
  list.remove([300, ...Array.from({ length: 256 }, (_, i) => 512 + i), 19_000])
  list.append(entry(200_000))
  expect([...list.changesSince(before)]).toEqual([0, 1, 2, blockOf(19_000), blockOf(200_000)])
  expect([...list.changesSince(list.share())]).toEqual([])
  expect([...list.changesSince(new EntryList())]).toHaveLength(list.blocks)
  expect([before.length, before.at(0)?.flags, list.length]).toEqual([20_301, [], 20_301 - 258 + 1])
})

it('takes blocks whose entries another place has, in any order', () => {
  const source = new TestSource(stored)
  const list = new EntryList()
  const counts = source.counts
  for (const one of [...counts.slice(10), ...counts.slice(0, 10).reverse()]) list.setBlock(one, source)
  expect([list.length, list.firstUnseen, source.reads]).toEqual([2_000, 901, 1])
  list.removeBlock(1)
  list.setBlock({ ...(counts[3] as BlockCounts), unseen: 7 }, source)
  const expected = stored.filter(({ uid }) => blockOf(uid) !== 1)
  expect([list.length, list.unseen, [...list]]).toEqual([expected.length, 1_100 + 7, expected])
})

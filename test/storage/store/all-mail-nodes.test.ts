import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/core/values/random.ts'
import type { Folder } from '../../../src/storage/store/folder.ts'
import type { StoreEvent } from '../../../src/storage/store/store-events.ts'
import type { MessageStore } from '../../../src/storage/store/types.ts'
import { GmailStore } from '../../../src/storage/store/views/gmail/gmail-store.ts'
import { freshDatabase, needsPostgres } from '../../support/postgres.ts'
import { openNode, type StoreNode } from '../../support/store-nodes.ts'
import { alice, message } from '../contract/store-context.ts'

const ALL_MAIL = '[Gmail]/All Mail'
const WHOLE = { from: 1, to: Number.MAX_SAFE_INTEGER }

describe.runIf(needsPostgres())('Gmail’s view of all messages on two nodes', () => {
  let place: { readonly url: string; readonly schema: string }
  let nodes: StoreNode[]
  let inbox: Folder
  let work: Folder

  const open = async (name: string): Promise<{ view: MessageStore; all: Folder; node: StoreNode }> => {
    const node = await openNode(place, name)
    nodes.push(node)
    const view = new GmailStore(node.store, node.store, alice)
    const all = (await view.findFolder(alice, ALL_MAIL)) as Folder
    return { view, all, node }
  }

  beforeEach(async () => {
    nodes = []
    place = await freshDatabase()
    const first = await openNode(place, 'first')
    inbox = await first.store.createFolder(alice, 'INBOX')
    work = await first.store.createFolder(alice, 'Work')
    await first[Symbol.asyncDispose]()
  })
  afterEach(async () => {
    for (const node of nodes) await node[Symbol.asyncDispose]()
  })

  test('a client finds the same UIDVALIDITY, uids and modSeqs on each node, and after all have restarted', async () => {
    const a = await open('a')
    await a.view.append([message('one', inbox), message('two', inbox)])
    await a.view.snapshot(a.all.id)
    const b = await open('b')
    await b.view.snapshot(b.all.id)
    // In the order in which the nodes number them, whichever folder has the lower id.
    await b.view.append([message('three', work)])
    await b.view.status(b.all.id)
    await a.view.append([message('four', inbox)])
    await b.view.setFlags(work.id, [1], { mode: 'add', flags: ['\\Flagged'] })
    await a.view.expunge(inbox.id, [1])
    const seen = [...(await a.view.snapshot(a.all.id)).entries]
    expect(seen.map(({ uid, flags }) => [uid, flags])).toEqual([
      [2, []],
      [3, ['\\Flagged']],
      [4, []],
    ])
    expect(await b.view.status(b.all.id)).toEqual(await a.view.status(a.all.id))
    expect([...(await b.view.snapshot(b.all.id)).entries]).toEqual(seen)
    const { highestModSeq } = await a.view.status(a.all.id)
    for (const { view, all } of [a, b]) {
      expect(await view.vanishedSince(all.id, 1)).toEqual([1])
      expect(await view.changedSince(all.id, highestModSeq)).toEqual([])
    }
    for (const node of nodes.splice(0)) await node[Symbol.asyncDispose]()
    const later = await open('later')
    expect(later.all.uidValidity).toBe(a.all.uidValidity)
    expect([...(await later.view.snapshot(later.all.id)).entries]).toEqual(seen)
    expect(await later.view.vanishedSince(later.all.id, 1)).toEqual([1])
    await later.view.append([message('five', inbox)])
    expect(await later.view.status(later.all.id)).toMatchObject({ exists: 4, uidNext: 6 })
  })

  test('a message that another node moves between labels stays the same', async () => {
    const [a, b] = [await open('a'), await open('b')]
    await b.view.append([message('one', inbox)])
    expect(await a.view.status(a.all.id)).toMatchObject({ exists: 1, uidNext: 2 })
    await b.view.status(b.all.id)
    const events: StoreEvent[] = []
    for (const { view, all } of [a, b]) view.watch((event) => events.push(event), all.id)
    let [from, to, uid] = [inbox, work, 1]
    for (let round = 0; round < 20; round++) {
      uid = (await b.view.move(from.id, [uid], to.id)).to[0] as number
      ;[from, to] = [to, from]
      if (round % 3 === 0) await a.view.status(a.all.id)
    }
    expect(await a.view.status(a.all.id)).toMatchObject({ exists: 1, uidNext: 2 })
    expect((await a.view.read(a.all.id, 1))?.toString()).toBe('one')
    expect(events).toEqual([])
  })

  test('flags that follow an arrival immediately are not lost on a node that sees both together', async () => {
    const [a, b] = [await open('a'), await open('b')]
    await a.view.status(a.all.id)
    for (let uid = 1; uid <= 40; uid++) {
      await b.view.append([message(`m${uid}`, inbox)])
      await b.node.store.setFlags(inbox.id, [uid], { mode: 'add', flags: ['\\Flagged'] })
      for (const { view, all } of [a, b]) {
        expect((await view.snapshot(all.id)).entries.at(uid - 1)).toMatchObject({ uid, flags: ['\\Flagged'] })
      }
    }
  })

  test('a node shows what another has recorded of a copy that it never saw', async () => {
    const [a, b] = [await open('a'), await open('b')]
    await b.view.append([message('one', inbox)])
    for (let uid = 1; uid <= 20; uid++) {
      await b.view.copy(inbox.id, [1], work.id)
      for (const { view, all } of [a, b]) expect(await view.status(all.id)).toMatchObject({ exists: 1 })
      const flags = [`$F${uid}`]
      // In one step for the other nodes, which find only that the copy is gone.
      await Promise.all([
        b.node.store.setFlags(work.id, [uid], { mode: 'replace', flags }),
        b.node.store.expunge(work.id, [uid]),
      ])
      const entry = { uid: 1, flags }
      expect((await b.view.snapshot(b.all.id)).entries.at(0)).toMatchObject(entry)
      expect((await a.view.snapshot(a.all.id)).entries.at(0)).toMatchObject(entry)
      expect(await a.view.status(a.all.id)).toEqual(await b.view.status(b.all.id))
    }
  })

  test('uids ascend for the clients of each node under concurrent changes, and all end with the same view', async () => {
    const seed = Date.now() % 100_000
    const next = seededRandom(seed)
    const random = (below: number) => Math.floor(next() * below)
    const both = [await open('a'), await open('b')] as const
    const models = await Promise.all(
      both.map(async ({ view, all }) => {
        const shown = new Map<number, readonly string[]>()
        let highest = 0
        const mistakes: string[] = []
        for (const entry of (await view.snapshot(all.id)).entries) shown.set(entry.uid, entry.flags)
        view.watch((event) => {
          if (event.type === 'appended') {
            for (const { uid, flags } of event.entries) {
              if (uid <= highest) mistakes.push(`${uid} after ${highest}`)
              highest = uid
              shown.set(uid, flags)
            }
          } else if (event.type === 'flags') for (const { uid, flags } of event.entries) shown.set(uid, flags)
          else if (event.type === 'expunged') for (const uid of event.uids) shown.delete(uid)
        }, all.id)
        return { shown, mistakes }
      }),
    )
    for (let round = 0; round < 30; round++) {
      const changes = Array.from({ length: 4 }, async () => {
        const { view } = both[random(2)] as (typeof both)[0]
        const [from, to] = random(2) ? [inbox, work] : [work, inbox]
        const uids = [1 + random(40)]
        const what = random(6)
        if (what < 2) await view.append([message(`m${round}`, from)])
        else if (what === 2) await view.copy(from.id, uids, to.id)
        else if (what === 3) await view.move(from.id, uids, to.id)
        else if (what === 4) await view.expunge(from.id, uids)
        else await view.setFlags(from.id, uids, { mode: random(2) ? 'add' : 'remove', flags: ['\\Seen', '$A'] })
      })
      await Promise.all(changes)
    }
    const late = await open('late')
    const facts = async ({ view, all }: typeof late) => {
      const { entries, ...status } = await view.snapshot(all.id)
      return { ...status, entries: [...entries].map(({ uid, blob, flags, modSeq }) => ({ uid, blob, flags, modSeq })) }
    }
    // Each records what it has found so far, in the order in which it found it.
    for (const node of [late, ...both]) await facts(node)
    const last = await open('last')
    const expected = await facts(last)
    const blobs = new Set<string>()
    for (const { id } of [inbox, work]) for (const { blob } of await last.view.list(id, WHOLE)) blobs.add(blob)
    expect(new Set(expected.entries.map(({ blob }) => blob)), `seed ${seed}`).toEqual(blobs)
    for (const node of [late, ...both]) expect(await facts(node), `seed ${seed}`).toEqual(expected)
    for (const { shown, mistakes } of models) {
      expect(mistakes, `seed ${seed}`).toEqual([])
      expect(Object.fromEntries(shown), `seed ${seed}`).toEqual(
        Object.fromEntries(expected.entries.map(({ uid, flags }) => [uid, flags])),
      )
    }
  })
})

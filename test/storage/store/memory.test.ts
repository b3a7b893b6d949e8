import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/time/clock.ts'
import { ENTRY_OCTETS } from '../../../src/storage/store/engines/memory/blobs.ts'
import { MemoryStore } from '../../../src/storage/store/engines/memory/memory-store.ts'
import { accountOwner } from '../../../src/storage/store/folder.ts'
import { TestClock } from '../../support/test-clock.ts'
import { storeContract } from '../contract/store.ts'
import { message, pattern, pieces } from '../contract/store-context.ts'

storeContract('MemoryStore', () => ({ open: async (clock) => new MemoryStore({ clock }) }), {
  openAnother: async () => new MemoryStore({ clock: systemClock }),
})

describe('MemoryStore', () => {
  const clock = new TestClock()
  const maxOctets = 10_000
  const open = async () => {
    const store = new MemoryStore({ clock, limits: { octets: maxOctets } })
    return { store, inbox: await store.createFolder(accountOwner('alice'), 'INBOX') }
  }

  it('throws no-space at its limit, can still be read, and takes messages again after an expunge', async () => {
    const { store, inbox } = await open()
    await store.append([message('x'.repeat(maxOctets - ENTRY_OCTETS), inbox)])
    await expect(store.append([message('', inbox)])).rejects.toMatchObject({ name: 'StoreError', code: 'no-space' })
    await expect(store.copy(inbox.id, [1], inbox.id)).rejects.toMatchObject({ code: 'no-space' })
    expect((await store.read(inbox.id, 1))?.length).toBe(maxOctets - ENTRY_OCTETS)
    expect((await store.move(inbox.id, [1], inbox.id)).to).toEqual([2])
    await store.expunge(inbox.id, [2])
    await store.append([message('y'.repeat(maxOctets - ENTRY_OCTETS), inbox)])
    await store.clear()
    const again = await store.createFolder(accountOwner('alice'), 'INBOX')
    await store.append([message('y'.repeat(maxOctets - ENTRY_OCTETS), again)])
  })

  it('counts octets once if copies share them', async () => {
    const { store, inbox } = await open()
    await store.append([message('x'.repeat(4_000), inbox)])
    await store.copy(inbox.id, [1], inbox.id)
    await store.expunge(inbox.id, [1])
    await expect(store.append([message('y'.repeat(6_000), inbox)])).rejects.toMatchObject({ code: 'no-space' })
    await store.append([message('y'.repeat(4_000), inbox)])
  })

  it('stops reading a message that does not fit', async () => {
    const { store, inbox } = await open()
    let piecesRead = 0
    const endless = (async function* () {
      for await (const piece of pieces(pattern(1_000_000), 1_000)) {
        piecesRead++
        yield piece
      }
    })()
    await expect(store.append([{ raw: endless, targets: [{ folderId: inbox.id }] }])).rejects.toMatchObject({
      code: 'no-space',
    })
    expect(piecesRead).toBeLessThanOrEqual(maxOctets / 1_000 + 1)
  })

  it('calls other listeners when one throws, and warns', async () => {
    const { store, inbox } = await open()
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
    const events: string[] = []
    store.watch(() => {
      throw new Error('listener failed')
    })
    store.watch(({ type }) => events.push(type))
    await store.append([message('x', inbox)])
    expect(events).toEqual(['appended'])
    expect((await warned).message).toBe('listener failed')
  })

  it('logs what a listener throws if it has a log', async () => {
    const lines: string[] = []
    const log = pino({}, { write: (line) => lines.push(line) })
    const store = new MemoryStore({ clock, log })
    store.watch(() => {
      throw new Error('listener failed')
    })
    await store.createFolder(accountOwner('alice'), 'INBOX')
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ level: 50, err: { message: 'listener failed' } }])
  })
})

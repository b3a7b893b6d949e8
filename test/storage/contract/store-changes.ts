import { beforeEach, describe, expect, it } from 'vitest'
import { type Folder, PUBLIC_OWNER } from '../../../src/storage/store/folder.ts'
import type { StoreEvent } from '../../../src/storage/store/store-events.ts'
import { alice, message, newsgroup, type StoreContext } from './store-context.ts'

/** Tests changes, their events, and the end of a store. */
export function changeContract(on: StoreContext): void {
  describe('flags', () => {
    const flagsOf = async (uid: number): Promise<readonly string[] | undefined> =>
      (await on.store.entry(on.inbox.id, uid))?.flags

    it('are added, removed and replaced', async () => {
      await on.deliver(on.inbox, 'a')
      await on.store.setFlags(on.inbox.id, [1], { mode: 'add', flags: ['\\Seen', '$Forwarded'] })
      await on.store.setFlags(on.inbox.id, [1], { mode: 'add', flags: ['\\Flagged'] })
      expect(new Set(await flagsOf(1))).toEqual(new Set(['\\Seen', '\\Flagged', '$Forwarded']))
      await on.store.setFlags(on.inbox.id, [1], { mode: 'remove', flags: ['\\Seen', '\\Draft'] })
      expect(new Set(await flagsOf(1))).toEqual(new Set(['\\Flagged', '$Forwarded']))
      await on.store.setFlags(on.inbox.id, [1], { mode: 'replace', flags: ['\\Answered'] })
      expect(await flagsOf(1)).toEqual(['\\Answered'])
      await on.store.setFlags(on.inbox.id, [1], { mode: 'replace', flags: [] })
      expect(await flagsOf(1)).toEqual([])
    })

    it('may contain any characters', async () => {
      await on.deliver(on.inbox, 'a', 'b')
      await on.store.setFlags(on.inbox.id, [1, 2], { mode: 'add', flags: ['\u{1f4ec}'] })
      expect((await on.store.snapshot(on.inbox.id)).flags).toEqual(['\u{1f4ec}'])
    })

    it('are case-insensitive: system flags as in the RFC, keywords as first spelled', async () => {
      await on.deliver(on.inbox, 'a', 'b')
      await on.store.setFlags(on.inbox.id, [1], { mode: 'add', flags: ['\\SEEN', '\\seen', 'Work', '\\Recent'] })
      await on.store.setFlags(on.inbox.id, [2], { mode: 'add', flags: ['WORK'] })
      expect(new Set(await flagsOf(1))).toEqual(new Set(['\\Seen', 'Work']))
      expect(await flagsOf(2)).toEqual(['Work'])
      await on.store.setFlags(on.inbox.id, [1], { mode: 'remove', flags: ['work'] })
      expect(await flagsOf(1)).toEqual(['\\Seen'])
    })

    it('give a new modSeq only to messages that change', async () => {
      await on.deliver(on.inbox, 'a', 'b')
      const before = await on.store.status(on.inbox.id)
      const first = await on.store.setFlags(on.inbox.id, [2], { mode: 'add', flags: ['\\Seen'] })
      const modSeq = first.entries[0]?.modSeq ?? 0
      expect(modSeq).toBeGreaterThan(before.highestModSeq)
      expect((await on.store.status(on.inbox.id)).highestModSeq).toBe(modSeq)
      const events = on.watched()
      const second = await on.store.setFlags(on.inbox.id, [1, 2], { mode: 'add', flags: ['\\Seen'] })
      expect(second.entries.map((entry) => entry.uid)).toEqual([1, 2])
      expect(second.entries[1]?.modSeq).toBe(modSeq)
      expect(second.entries[0]?.modSeq).toBeGreaterThan(modSeq)
      expect(events).toMatchObject([{ type: 'flags', entries: [{ uid: 1 }] }])
      await on.store.setFlags(on.inbox.id, [1, 2], { mode: 'add', flags: ['\\Seen'] })
      expect(events).toHaveLength(1)
    })

    it('are not changed for entries with a greater modSeq (RFC 7162)', async () => {
      await on.deliver(on.inbox, 'a', 'b', 'c')
      const { highestModSeq } = await on.store.status(on.inbox.id)
      await on.store.setFlags(on.inbox.id, [2], { mode: 'add', flags: ['\\Seen'] })
      const change = { mode: 'add', flags: ['\\Flagged'], unchangedSince: highestModSeq } as const
      const { entries, modified } = await on.store.setFlags(on.inbox.id, [3, 1, 2, 99], change)
      expect(entries.map(({ uid }) => uid)).toEqual([1, 3])
      expect(modified).toEqual([2])
      expect(await flagsOf(2)).toEqual(['\\Seen'])
      expect(await flagsOf(3)).toEqual(['\\Flagged'])
    })

    it('of a copy are independent', async () => {
      const other = await on.store.createFolder(alice, 'Other')
      await on.deliver(on.inbox, 'a')
      await on.store.copy(on.inbox.id, [1], other.id)
      await on.store.setFlags(other.id, [1], { mode: 'add', flags: ['\\Seen'] })
      expect(await flagsOf(1)).toEqual([])
    })
  })

  describe('copy, move and expunge', () => {
    let other: Folder
    beforeEach(async () => {
      other = await on.store.createFolder(alice, 'Other')
      await on.deliver(other, 'there')
      await on.store.append([
        { ...message('a', on.inbox), internalDate: 5_000, envelope: { mailFrom: 'x@y.test' } },
        message('b', on.inbox),
        message('c', on.inbox),
      ])
      await on.store.setFlags(on.inbox.id, [1], { mode: 'add', flags: ['\\Seen', 'Work'] })
    })

    it('copies flags, date, envelope and octets, with new uids', async () => {
      on.clock.ms += 1000
      expect(await on.store.copy(on.inbox.id, [3, 1, 99], other.id)).toEqual({ from: [1, 3], to: [2, 3] })
      const [source, copy] = [await on.store.entry(on.inbox.id, 1), await on.store.entry(other.id, 2)]
      expect(copy).toMatchObject({ internalDate: 5_000, savedAt: on.clock.ms, envelope: { mailFrom: 'x@y.test' } })
      expect(copy?.flags).toEqual(source?.flags)
      expect(copy?.blob).toBe(source?.blob)
      await on.store.expunge(on.inbox.id, [1])
      expect(await on.textOf(other, 2)).toBe('a')
      await on.store.deleteFolder(on.inbox.id)
      expect(await on.textOf(other, 3)).toBe('c')
    })

    it('moves by copying and expunging in one step', async () => {
      const events = on.watched()
      expect(await on.store.move(on.inbox.id, [1, 2], other.id)).toEqual({ from: [1, 2], to: [2, 3] })
      expect(await on.uidsOf(on.inbox)).toEqual([3])
      expect(await on.textOf(other, 2)).toBe('a')
      expect(events).toMatchObject([
        { type: 'appended', folder: { id: other.id }, entries: [{ uid: 2 }, { uid: 3 }] },
        { type: 'expunged', folder: { id: on.inbox.id }, uids: [1, 2] },
      ])
    })

    it('copies and moves within one folder', async () => {
      expect(await on.store.copy(on.inbox.id, [1], on.inbox.id)).toEqual({ from: [1], to: [4] })
      expect(await on.store.move(on.inbox.id, [2], on.inbox.id)).toEqual({ from: [2], to: [5] })
      expect(await on.uidsOf(on.inbox)).toEqual([1, 3, 4, 5])
      expect(await on.textOf(on.inbox, 5)).toBe('b')
    })

    it('changes nothing if a folder does not exist', async () => {
      const events = on.watched()
      await expect(on.store.copy(on.inbox.id, [1], 'none')).rejects.toMatchObject({ code: 'not-found' })
      await expect(on.store.move(on.inbox.id, [1], 'none')).rejects.toMatchObject({ code: 'not-found' })
      await expect(on.store.move('none', [1], on.inbox.id)).rejects.toMatchObject({ code: 'not-found' })
      expect(await on.uidsOf(on.inbox)).toEqual([1, 2, 3])
      expect(events).toEqual([])
    })

    it('gives copies a new modSeq in their folder', async () => {
      const { highestModSeq: before } = await on.store.status(other.id)
      await on.store.copy(on.inbox.id, [1, 2], other.id)
      const { highestModSeq } = await on.store.status(other.id)
      expect(highestModSeq).toBeGreaterThan(before)
      expect((await on.store.list(other.id)).map(({ modSeq }) => modSeq)).toEqual([
        before,
        highestModSeq,
        highestModSeq,
      ])
    })

    it('copies a repeated uid once', async () => {
      expect(await on.store.copy(on.inbox.id, [1, 1, 2], other.id)).toEqual({ from: [1, 2], to: [2, 3] })
    })

    it('emits no event if there is nothing to copy, move or expunge', async () => {
      const events = on.watched()
      expect(await on.store.copy(on.inbox.id, [77], other.id)).toEqual({ from: [], to: [] })
      expect(await on.store.move(on.inbox.id, [], other.id)).toEqual({ from: [], to: [] })
      expect(await on.store.expunge(on.inbox.id, [77])).toEqual([])
      expect(events).toEqual([])
    })

    it('returns expunged uids in ascending order, and keeps them for QRESYNC', async () => {
      const { highestModSeq: before } = await on.store.status(on.inbox.id)
      expect(await on.store.expunge(on.inbox.id, [3, 99, 1, 3])).toEqual([1, 3])
      const { highestModSeq: between } = await on.store.status(on.inbox.id)
      expect(between).toBeGreaterThan(before)
      await on.store.expunge(on.inbox.id, [2])
      expect(await on.store.vanishedSince(on.inbox.id, before)).toEqual([1, 2, 3])
      expect(await on.store.vanishedSince(on.inbox.id, between)).toEqual([2])
      expect(await on.store.vanishedSince(on.inbox.id, between + 1)).toEqual([])
      expect(await on.store.read(on.inbox.id, 1)).toBeUndefined()
    })
  })

  describe('events', () => {
    it('are emitted in the order of the changes, with their origin, to the listeners of that folder', async () => {
      const other = await on.store.createFolder(alice, 'Other')
      const [all, ofInbox] = [on.watched(), on.watched(on.inbox.id)]
      const me = {}
      await on.store.append([message('a', on.inbox), message('b', other), message('c', on.inbox)], me)
      await on.store.setFlags(on.inbox.id, [1], { mode: 'add', flags: ['\\Seen'] }, me)
      await on.store.expunge(on.inbox.id, [2], me)
      const { highestModSeq } = await on.store.status(on.inbox.id)
      expect(ofInbox).toMatchObject([
        { type: 'appended', entries: [{ uid: 1 }, { uid: 2 }] },
        { type: 'flags', entries: [{ uid: 1, flags: ['\\Seen'] }] },
        { type: 'expunged', uids: [2], modSeq: highestModSeq },
      ])
      expect(ofInbox.every((event) => 'origin' in event && event.origin === me)).toBe(true)
      expect(all).toHaveLength(4)
    })

    it('are emitted after the commit, so that a listener can read the message', async () => {
      const seen: Promise<string | undefined>[] = []
      on.store.watch((event) => {
        if (event.type === 'appended') seen.push(on.textOf(event.folder, event.entries[0]?.uid ?? 0))
      })
      await on.deliver(on.inbox, 'hello')
      expect(await Promise.all(seen)).toEqual(['hello'])
    })

    it('keep their order for every listener, even if a listener makes a change', async () => {
      let done: Promise<unknown> | undefined
      const off = on.store.watch(() => {
        done ??= on.store.setFlags(on.inbox.id, [1], { mode: 'add', flags: ['\\Seen'] })
      })
      const events = on.watched()
      await on.deliver(on.inbox, 'a')
      await done
      expect(events.map(({ type }) => type)).toEqual(['appended', 'flags'])
      off()
    })

    it('are emitted for folders', async () => {
      const events = on.watched()
      const folder = await on.store.createFolder(alice, 'New')
      await on.store.deleteFolder(folder.id)
      expect(events).toEqual([
        { type: 'folder-created', folder },
        { type: 'folder-deleted', folder },
      ])
    })

    it('end when the listener is removed', async () => {
      const events: StoreEvent[] = []
      const listener = (event: StoreEvent): number => events.push(event)
      const off = on.store.watch(listener, on.inbox.id)
      const offOther = on.store.watch(listener, on.inbox.id)
      const offAll = on.store.watch(() => events.push({ type: 'folder-created', folder: on.inbox }))
      offAll()
      off()
      await on.deliver(on.inbox, 'a')
      expect(events).toHaveLength(1)
      offOther()
      await on.deliver(on.inbox, 'b')
      expect(events).toHaveLength(1)
    })
  })

  describe('state and clear', () => {
    it('stores small values', async () => {
      expect(await on.store.getState('feed')).toBeUndefined()
      await on.store.setState('feed', '12')
      expect(await on.store.getState('feed')).toBe('12')
      await on.store.setState('feed', undefined)
      expect(await on.store.getState('feed')).toBeUndefined()
    })

    it('says without a promise whether it has a value', async () => {
      const long = `feed ${'x'.repeat(300)}`
      const has = (): boolean[] => [on.store.hasState('feed'), on.store.hasState(long)]
      expect(has()).toEqual([false, false])
      await on.store.setState('feed', '12')
      await on.store.setState(long, '13')
      expect(has()).toEqual([true, true])
      await on.store.setState('feed', undefined)
      expect(has()).toEqual([false, true])
      await on.store.clear()
      expect(has()).toEqual([false, false])
    })

    it('clears everything, but continues uids and UIDVALIDITY', async () => {
      const group = await on.store.createFolder(PUBLIC_OWNER, 'lab.general', { newsgroup })
      await on.store.append([{ ...message('post', group, on.inbox), messageId: '<p@x>' }])
      await on.store.setSubscribed(alice, 'INBOX', true)
      await on.store.setState('feed', '12')
      const events = on.watched()
      await on.store.clear()
      expect(await on.store.listOwners()).toEqual([])
      expect(await on.store.listFolders(alice)).toEqual([])
      expect(await on.store.read(on.inbox.id, 1)).toBeUndefined()
      expect(await on.store.knows('<p@x>')).toBe(false)
      expect(await on.store.subscriptions(alice)).toEqual([])
      expect(await on.store.getState('feed')).toBeUndefined()
      expect(events.map(({ type }) => type)).toEqual(['folder-deleted', 'folder-deleted'])
      const again = await on.store.createFolder(PUBLIC_OWNER, 'lab.general', { newsgroup })
      expect(again.uidValidity).toBeGreaterThan(group.uidValidity)
      expect(await on.deliver(again, 'post')).toEqual([2])
    })

    it('rejects with `closed` after it was closed', async () => {
      await on.store[Symbol.asyncDispose]()
      await expect(on.deliver(on.inbox, 'late')).rejects.toMatchObject({ name: 'StoreError', code: 'closed' })
      await expect(on.store.createFolder(alice, 'Late')).rejects.toMatchObject({ name: 'StoreError', code: 'closed' })
    })
  })
}

import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/core/values/random.ts'
import { PUBLIC_OWNER } from '../../../src/storage/store/folder.ts'
import { isLong } from '../../support/long.ts'
import { FLAGS, message, newsgroup, type StoreContext } from './store-context.ts'

/** Tests everything that a store derives from its messages. */
export function indexContract(on: StoreContext): void {
  describe('status', () => {
    it('counts the messages of a folder', async () => {
      await on.deliver(on.inbox, 'aaa', 'bb', 'c')
      await on.store.setFlags(on.inbox.id, [1, 2], { mode: 'add', flags: ['\\Seen'] })
      await on.store.setFlags(on.inbox.id, [3], { mode: 'add', flags: ['\\Deleted'] })
      await on.store.expunge(on.inbox.id, [1])
      expect(await on.store.status(on.inbox.id)).toEqual({
        exists: 2,
        uidNext: 4,
        highestModSeq: 5,
        sizeOctets: 3,
        unseen: 1,
        deleted: 1,
        deletedOctets: 1,
        lowestUid: 2,
        highestUid: 3,
      })
      await expect(on.store.status('none')).rejects.toMatchObject({ code: 'not-found' })
    })
  })

  describe('snapshot', () => {
    /** Computes the snapshot from all messages. */
    const expected = async () => {
      const entries = await on.store.list(on.inbox.id)
      return {
        ...(await on.store.status(on.inbox.id)),
        entries,
        flags: [...new Set(entries.flatMap(({ flags }) => flags))].sort(),
        firstUnseen: entries.findIndex(({ flags }) => !flags.includes('\\Seen')) + 1,
        withoutLineEnd: entries.filter(({ lacksLineEnd }) => lacksLineEnd).length,
      }
    }
    const taken = async () => {
      const snapshot = await on.store.snapshot(on.inbox.id)
      return { ...snapshot, entries: [...snapshot.entries], flags: [...snapshot.flags].sort() }
    }

    it('is correct after random changes', async () => {
      const next = seededRandom(7)
      const random = (below: number) => Math.floor(next() * below)
      const uids = () => Array.from({ length: random(6) }, () => 1 + random(30))
      const flags = () => FLAGS.filter(() => random(2) === 0)
      for (let round = 0; round < (isLong ? 300 : 100); round++) {
        const what = (['deliver', 'add', 'remove', 'replace', 'expunge'] as const)[random(5)]
        if (what === 'deliver') {
          const text = ['x', 'x\r\n', '']
          const raw = message(text[random(3)] ?? '')
          await on.store.append([{ ...raw, targets: [{ folderId: on.inbox.id, flags: flags() }] }])
        } else if (what === 'expunge') await on.store.expunge(on.inbox.id, uids().slice(0, 2))
        else await on.store.setFlags(on.inbox.id, uids(), { mode: what ?? 'add', flags: flags() })
        // Not in every round, because several changes between two snapshots must be correct, too.
        if (random(2) === 0) expect(await taken()).toEqual(await expected())
      }
    })

    it('is correct if changes are made while it is taken', async () => {
      const raw = Buffer.from('x')
      await on.store.append(Array.from({ length: 3_000 }, () => ({ raw, targets: [{ folderId: on.inbox.id }] })))
      const everything = { from: 1, to: Number.MAX_SAFE_INTEGER }
      const [, appended, { entries }, gone] = await Promise.all([
        on.store.snapshot(on.inbox.id),
        on.deliver(on.inbox, 'late'),
        on.store.setFlags(on.inbox.id, [2, 2_999], { mode: 'add', flags: ['\\Seen'] }),
        on.store.expunge(on.inbox.id, [1, 3_000]),
      ])
      expect([appended, entries.length, gone]).toEqual([[3_001], 2, [1, 3_000]])
      expect(await taken()).toEqual(await expected())
      expect(await on.store.list(on.inbox.id, everything)).toEqual(await on.store.list(on.inbox.id))
    })

    it('does not change afterwards', async () => {
      await on.deliver(on.inbox, 'a', 'b')
      const { entries } = await on.store.snapshot(on.inbox.id)
      await on.deliver(on.inbox, 'c')
      await on.store.setFlags(on.inbox.id, [1], { mode: 'add', flags: ['\\Seen'] })
      await on.store.expunge(on.inbox.id, [2])
      expect([...entries].map(({ uid, flags }) => [uid, flags])).toEqual([
        [1, []],
        [2, []],
      ])
      await expect(on.store.snapshot('none')).rejects.toMatchObject({ code: 'not-found' })
    })
  })

  describe('changes since a modSeq', () => {
    it('are found after random changes', async () => {
      const next = seededRandom(11)
      const random = (below: number) => Math.floor(next() * below)
      for (let round = 0; round < (isLong ? 200 : 80); round++) {
        const what = random(5)
        const uids = Array.from({ length: random(4) }, () => 1 + random(40))
        if (what === 0) await on.deliver(on.inbox, 'x')
        else if (what === 1) await on.store.expunge(on.inbox.id, uids.slice(0, 1))
        else if (what === 2) await on.store.copy(on.inbox.id, uids.slice(0, 1), on.inbox.id)
        else
          await on.store.setFlags(on.inbox.id, uids, {
            mode: random(2) ? 'add' : 'remove',
            flags: [FLAGS[random(4)] ?? ''],
          })
        const { highestModSeq } = await on.store.status(on.inbox.id)
        const modSeq = random(highestModSeq + 2)
        const entries = await on.store.list(on.inbox.id, { from: 1, to: Number.MAX_SAFE_INTEGER })
        expect(await on.store.changedSince(on.inbox.id, modSeq)).toEqual(
          entries.filter((entry) => entry.modSeq > modSeq),
        )
      }
      await expect(on.store.changedSince('none', 0)).rejects.toMatchObject({ code: 'not-found' })
    })
  })

  describe('overviews', () => {
    const article = (subject: string): string =>
      `Subject: ${subject}\r\nFrom: a@x.test\r\nMessage-ID: <${subject}@x>\r\n\r\none\r\ntwo\r\n`

    it('describe articles and mail, including the prefix', async () => {
      const group = await on.store.createFolder(PUBLIC_OWNER, 'lab.general', { newsgroup })
      await on.store.append([
        {
          ...message(article('s'), group),
          prefix: (at) => Buffer.from(`Xref: lab ${at[0]?.folder.name}:${at[0]?.uid}\r\n`),
        },
        message(article('mail'), on.inbox),
      ])
      const raw = await on.store.read(group.id, 1)
      expect(await on.store.overview(group.id, 1)).toEqual({
        subject: 's',
        from: 'a@x.test',
        date: '',
        messageId: '<s@x>',
        references: '',
        bytes: raw?.length,
        lines: 2,
        xref: 'lab lab.general:1',
      })
      expect(await on.store.overview(on.inbox.id, 1)).toMatchObject({ subject: 'mail', lines: 2 })
      expect(await on.store.overview(group.id, 2)).toBeUndefined()
      expect(await on.store.overview('none', 1)).toBeUndefined()
    })

    it('exist as long as a copy of the message', async () => {
      const group = await on.store.createFolder(PUBLIC_OWNER, 'lab.general', { newsgroup })
      const second = await on.store.createFolder(PUBLIC_OWNER, 'lab.other', { newsgroup })
      await on.deliver(on.inbox, article('mail'))
      await on.store.copy(on.inbox.id, [1], group.id)
      await on.store.move(group.id, [1], second.id)
      await on.store.expunge(on.inbox.id, [1])
      expect(await on.store.overview(group.id, 1)).toBeUndefined()
      expect(await on.store.overview(second.id, 1)).toMatchObject({ subject: 'mail' })
    })
  })

  describe('Message-IDs', () => {
    it('are located in public folders only', async () => {
      const group = await on.store.createFolder(PUBLIC_OWNER, 'lab.general', { newsgroup })
      const second = await on.store.createFolder(PUBLIC_OWNER, 'lab.other', { newsgroup })
      await on.store.append([{ ...message('post', group, second, on.inbox), messageId: '<p@x>' }])
      await on.store.append([{ ...message('mail', on.inbox), messageId: '<m@x>' }])
      const located = await on.store.locate('<p@x>')
      expect(located.map(({ folder, uid }) => [folder.name, uid]).sort()).toEqual([
        ['lab.general', 1],
        ['lab.other', 1],
      ])
      expect(await on.store.locate('<m@x>')).toEqual([])
      expect(await on.store.knows('<p@x>')).toBe(true)
      expect(await on.store.knows('<m@x>')).toBe(false)
    })

    it('stay known after the article is deleted', async () => {
      const group = await on.store.createFolder(PUBLIC_OWNER, 'lab.general', { newsgroup })
      const second = await on.store.createFolder(PUBLIC_OWNER, 'lab.other', { newsgroup })
      await on.store.append([{ ...message('post', group, second), messageId: '<p@x>' }])
      await on.store.expunge(group.id, [1])
      expect((await on.store.locate('<p@x>')).map(({ folder }) => folder.name)).toEqual(['lab.other'])
      await on.store.deleteFolder(second.id)
      expect(await on.store.locate('<p@x>')).toEqual([])
      expect(await on.store.knows('<p@x>')).toBe(true)
    })

    it('are stored once by those that ask for it', async () => {
      const group = await on.store.createFolder(PUBLIC_OWNER, 'lab.general', { newsgroup })
      const append = (...ids: string[]) =>
        on.store.append(ids.map((messageId) => ({ ...message('post', group), messageId, once: true })))
      await append('<first@x>')
      await expect(append('<new@x>', '<first@x>')).rejects.toMatchObject({ code: 'exists' })
      expect(await on.store.knows('<new@x>')).toBe(false)
      await on.store.expunge(group.id, [1])
      await expect(append('<first@x>')).rejects.toMatchObject({ code: 'exists' })
      const results = await Promise.allSettled([1, 2, 3].map(() => append('<same@x>')))
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      await append('<new@x>')
      expect((await on.store.list(group.id)).map(({ messageId }) => messageId)).toEqual(['<same@x>', '<new@x>'])
    })

    it('are located at each copy in one newsgroup', async () => {
      const group = await on.store.createFolder(PUBLIC_OWNER, 'lab.general', { newsgroup })
      await on.store.append([{ ...message('post', group), messageId: '<p@x>' }])
      await on.store.copy(group.id, [1], group.id)
      expect((await on.store.locate('<p@x>')).map(({ uid }) => uid)).toEqual([1, 2])
      await on.store.expunge(group.id, [1])
      expect((await on.store.locate('<p@x>')).map(({ uid }) => uid)).toEqual([2])
    })

    it('of any length can be remembered without an article', async () => {
      const long = `<${'x'.repeat(5_000)}@y>`
      await on.store.remember(long)
      expect(await on.store.knows(long)).toBe(true)
      expect(await on.store.knows(`${long.slice(0, -1)}z>`)).toBe(false)
      expect(await on.store.locate(long)).toEqual([])
    })

    it('are located after a move between newsgroups', async () => {
      const group = await on.store.createFolder(PUBLIC_OWNER, 'lab.general', { newsgroup })
      const second = await on.store.createFolder(PUBLIC_OWNER, 'lab.other', { newsgroup })
      await on.store.append([{ ...message('post', group), messageId: '<p@x>' }])
      await on.store.move(group.id, [1], second.id)
      expect((await on.store.locate('<p@x>')).map(({ folder }) => folder.name)).toEqual(['lab.other'])
    })
  })
}

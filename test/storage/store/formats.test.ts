import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { MemoryStore } from '../../../src/storage/store/engines/memory/memory-store.ts'
import { accountOwner, CAPTURED_OWNER, type Owner, PUBLIC_OWNER } from '../../../src/storage/store/folder.ts'
import { exportStore, type FormatName, formats, importStore } from '../../../src/storage/store/formats/transfer.ts'
import type { MessageStore } from '../../../src/storage/store/types.ts'
import { corpus } from '../../support/corpus.ts'
import { newFolder } from '../../support/folder.ts'
import { needs } from '../../support/programs.ts'
import { TestClock } from '../../support/test-clock.ts'

const clock = new TestClock()
const alice = accountOwner('alice')
const newsgroup = { description: 'Talk', posting: 'yes', createdAt: 0, createdBy: 'lab' } as const
const mail = (text: string, id: string): string => `Message-ID: <${id}@x>\r\nSubject: ${text}\r\n\r\n${text}\r\n`

let folder: string
beforeEach(() => {
  folder = newFolder()
})

async function put(store: MessageStore, owner: Owner, name: string, raw: string | Buffer, ...flags: string[]) {
  const settings = owner === PUBLIC_OWNER ? { newsgroup } : {}
  const to = (await store.findFolder(owner, name)) ?? (await store.createFolder(owner, name, settings))
  const internalDate = Date.UTC(2024, 1, 29, 12, 34, 56)
  await store.append([
    { raw: Buffer.from(raw as string, 'latin1'), internalDate, targets: [{ folderId: to.id, flags }] },
  ])
}

/** Returns everything in a store, as sorted text. */
async function contents(store: MessageStore): Promise<string[]> {
  const all: string[] = []
  for (const owner of await store.listOwners()) {
    for (const { id, name } of await store.listFolders(owner)) {
      for (const { uid, flags, internalDate } of await store.list(id)) {
        const raw = (await store.read(id, uid))?.toString('latin1')
        all.push(JSON.stringify([owner, name, [...flags].sort(), internalDate, raw]))
      }
    }
  }
  return all.sort()
}

describe.each(Object.keys(formats) as FormatName[])('an export as %s', (format) => {
  it('can be imported with every owner, folder, flag, date and octet', async () => {
    const [store, again] = [new MemoryStore({ clock }), new MemoryStore({ clock })]
    await put(store, alice, 'INBOX', mail('plain', '1'), '\\Seen', '\\Answered', '\\Flagged', '\\Draft', '\\Deleted')
    await put(
      store,
      alice,
      'INBOX',
      `Subject: from\r\n\r\nFrom here\r\n>From there\r\n\r\nFrom x\r\n`,
      '$Forwarded',
      'Work',
    )
    await put(store, alice, 'Archive/2025', mail('deep', '2'), '\\Seen')
    await put(store, alice, 'Archive/.hidden', mail('dot', '3'))
    await put(store, accountOwner('bob@example.org'), 'INBOX', mail('bob', '4'))
    await put(store, accountOwner('../evil'), 'a/../..', mail('evil', '5'))
    await put(store, PUBLIC_OWNER, 'lab.general', mail('article', '6'))
    await put(store, CAPTURED_OWNER, 'INBOX', mail('captured', '7'))
    await put(store, alice, 'cur', mail('named like a folder of a maildir', '8'))
    const done = await exportStore(store, folder, formats[format])
    expect(done.messages).toBe(9)
    expect(await importStore(again, folder, formats[format])).toMatchObject({ messages: 9, known: 0 })
    expect(await contents(again)).toEqual(await contents(store))
    expect(await importStore(again, folder, formats[format], PUBLIC_OWNER)).toMatchObject({ messages: 0, known: 1 })
  })

  it.skipIf(corpus().length === 0)('contains every message of the corpus unchanged (SEALPOST_CORPUS)', async () => {
    const [store, again] = [new MemoryStore({ clock }), new MemoryStore({ clock })]
    // mbox has fields for flags, so messages that contain these fields cannot be exported unchanged.
    const messages = corpus().filter(({ raw }) => !/^(?:x-)?status:|^x-keywords:/im.test(raw.toString('latin1')))
    expect(messages.length).toBeGreaterThan(100)
    for (const { raw } of messages) await put(store, alice, 'INBOX', crlf(raw))
    await exportStore(store, folder, formats[format])
    await importStore(again, folder, formats[format])
    expect(await contents(again)).toEqual(await contents(store))
  })
})

const crlf = (raw: Buffer): string => `${raw.toString('latin1').replace(/\r\n|\r|\n/g, '\r\n')}\r\n`

/** Runs a script with Python's mailbox module, as an independent implementation. */
const python = (script: string): string => execFileSync('python3', ['-c', script, folder], { encoding: 'utf8' })

describe.skipIf(!needs('python3'))('other programs (python3, module mailbox)', () => {
  it('read our Maildir and mbox with their flags', async () => {
    const store = new MemoryStore({ clock })
    await put(store, alice, 'INBOX', mail('one', '1'), '\\Seen', '\\Flagged')
    await put(store, alice, 'INBOX', 'Subject: two\r\n\r\nFrom me\r\n', '\\Answered')
    await exportStore(store, join(folder, 'maildir'), formats.maildir)
    await exportStore(store, join(folder, 'mbox'), formats.mbox)
    const said = python(`
import mailbox, sys
md = mailbox.Maildir(sys.argv[1] + '/maildir/users/alice/INBOX', create=False)
print(sorted((m['Subject'], m.get_flags(), int(m.get_date())) for m in md))
mb = mailbox.mbox(sys.argv[1] + '/mbox/users/alice/INBOX.mbox', create=False)
print([(m['Subject'], ''.join(sorted(m.get_flags())), m.get_payload()) for m in mb])
`)
    const seconds = Date.UTC(2024, 1, 29, 12, 34, 56) / 1000
    expect(said.split('\n').slice(0, 2)).toEqual([
      `[('one', 'FS', ${seconds}), ('two', 'R', ${seconds})]`,
      "[('one', 'FOR', 'one\\n'), ('two', 'AO', '>From me\\n')]",
    ])
  })

  it('write a Maildir++ and an mbox that we import with their flags', async () => {
    python(`
import mailbox, sys
md = mailbox.Maildir(sys.argv[1] + '/maildir')
m = mailbox.MaildirMessage(b'Subject: seen\\n\\nbody\\n'); m.set_subdir('cur'); m.add_flag('SF'); md.add(m)
md.add(mailbox.MaildirMessage(b'Subject: new\\n\\nbody\\n'))
md.add_folder('Archive.2025').add(mailbox.MaildirMessage(b'Subject: deep\\n\\nbody\\n'))
mb = mailbox.mbox(sys.argv[1] + '/box.mbox')
m = mailbox.mboxMessage(b'Subject: boxed\\n\\nFrom me\\n'); m.add_flag('RA'); m.set_from('x@y', True); mb.add(m); mb.flush()
`)
    const store = new MemoryStore({ clock })
    await importStore(store, join(folder, 'maildir'), formats.maildir, alice)
    await importStore(store, join(folder, 'box.mbox'), formats.mbox, accountOwner('bob'))
    const found = (await contents(store)).map((line) => JSON.parse(line) as [string, string, string[], number, string])
    expect(found.map(([owner, name, flags, , raw]) => [owner, name, flags, raw])).toEqual([
      ['user:alice', 'Archive/2025', [], 'Subject: deep\r\n\r\nbody\r\n'],
      ['user:alice', 'INBOX', ['\\Flagged', '\\Seen'], 'Subject: seen\r\n\r\nbody\r\n'],
      ['user:alice', 'INBOX', [], 'Subject: new\r\n\r\nbody\r\n'],
      ['user:bob', 'INBOX', ['\\Answered', '\\Seen'], 'Subject: boxed\r\n\r\nFrom me\r\n'],
    ])
  })
})

it('imports a folder of .eml files that another program wrote', async () => {
  const store = new MemoryStore({ clock })
  mkdirSync(join(folder, 'Old'))
  writeFileSync(join(folder, 'Old', 'saved.eml'), 'Message-ID: <s@x>\nSubject: saved\n\nbody\n')
  await importStore(store, folder, formats.eml, alice)
  const old = await store.findFolder(alice, 'Old')
  expect((await store.read(old?.id ?? '', 1))?.toString()).toBe('Message-ID: <s@x>\r\nSubject: saved\r\n\r\nbody\r\n')
  await importStore(store, folder, formats.eml, PUBLIC_OWNER)
  expect(await store.locate('<s@x>')).toMatchObject([{ folder: { name: 'Old' }, uid: 1 }])
  await expect(importStore(store, folder, formats.eml)).rejects.toMatchObject({ code: 'not-found' })
})

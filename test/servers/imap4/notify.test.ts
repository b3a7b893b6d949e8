import { expect, test } from 'vitest'
import { systemClock } from '../../../src/core/time/clock.ts'
import { MemoryStore } from '../../../src/storage/store/engines/memory/memory-store.ts'
import { accountOwner } from '../../../src/storage/store/folder.ts'
import { connectBy, selected, startImapLab, topic } from './support.ts'

const select = (name: string, recent: number): string => String.raw`
    ${name} C: s SELECT INBOX
    ${selected(2, recent, { by: name })}
    ${name} S: s OK [READ-WRITE] …`

const mail = ['Subject: one\r\n\r\n1\r\n', 'Subject: two\r\n\r\n2\r\n']

topic(
  'NOTIFY, the selected mailbox',
  { mail },
  {
    'RFC 5465 section 6.1.1: SELECTED sends everything at once, without a command': String.raw`${select('alice', 2)}${select('alice2', 0)}
    C: 1 NOTIFY SET (SELECTED (MessageNew (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)]) MessageExpunge FlagChange))
    S: 1 OK …
    alice2 C: 2 STORE 1 +FLAGS (\Flagged)
    alice2 S: * 1 FETCH (FLAGS (\Flagged))
    alice2 S: 2 OK …
    S: * 1 FETCH (UID 1 FLAGS (\Flagged \Recent))
    alice2 C: 3 UID MOVE 2 Trash
    alice2 S: * OK [COPYUID …
    alice2 S: * 2 EXPUNGE
    alice2 S: 3 OK …
    S: * 2 EXPUNGE
    alice2 C: 4 APPEND INBOX {16+}
    alice2 C: Subject: three
    alice2 C: 
    alice2 S: * 2 EXISTS
    alice2 S: * 0 RECENT
    alice2 S: 4 OK …
    S: * 2 EXISTS
    S: * 2 RECENT
    S: * 2 FETCH (UID 3 BODY[HEADER.FIELDS (SUBJECT)] {18}
    S: Subject: three
    S: 
    S: )
    C: 5 APPEND INBOX {4+}
    C: mine
    S: * 3 EXISTS
    S: * 3 RECENT
    S: 5 OK …
    alice2 C: 6 NOOP
    alice2 S: * 3 EXISTS
    alice2 S: * 0 RECENT
    alice2 S: 6 OK …`,
    'RFC 5465 section 6.1.2: SELECTED-DELAYED keeps EXPUNGE for a command that allows it': String.raw`${select('alice', 2)}${select('alice2', 0)}
    C: 1 NOTIFY SET (SELECTED-DELAYED (MessageNew MessageExpunge))
    S: 1 OK …
    alice2 C: 2 UID STORE 2 +FLAGS.SILENT (\Deleted)
    alice2 S: 2 OK …
    alice2 C: 3 EXPUNGE
    alice2 S: * 2 EXPUNGE
    alice2 S: 3 OK …
    alice2 C: 4 APPEND INBOX {4+}
    alice2 C: abcd
    alice2 S: * 2 EXISTS
    alice2 S: * 0 RECENT
    alice2 S: 4 OK …
    S: * 3 EXISTS
    S: * 3 RECENT
    C: 5 FETCH 1 FLAGS
    S: * 1 FETCH (FLAGS (\Recent))
    S: 5 OK …
    C: 6 IDLE
    S: + idling
    S: * 2 EXPUNGE
    C: DONE
    S: 6 OK …`,
    'RFC 5465 section 3.1: NOTIFY NONE, and a client that does not name the selected mailbox': String.raw`${select('alice', 2)}${select('alice2', 0)}
    alice2 C: 0 UID STORE 1 +FLAGS.SILENT (\Flagged)
    alice2 S: 0 OK …
    C: 1 NOTIFY NONE
    S: * 1 FETCH (UID 1 FLAGS (\Flagged \Recent))
    S: 1 OK …
    alice2 C: 2 UID STORE 1 +FLAGS.SILENT (\Deleted)
    alice2 S: 2 OK …
    alice2 C: 3 APPEND INBOX {4+}
    alice2 C: abcd
    alice2 S: * 3 EXISTS
    alice2 S: * … RECENT
    alice2 S: 3 OK …
    C: 4 NOOP
    S: 4 OK …
    C: 5 UID STORE 2 +FLAGS.SILENT (\Deleted)
    S: 5 OK …
    C: 6 UID EXPUNGE 2
    S: * 2 EXPUNGE
    S: * 2 EXISTS
    S: * … RECENT
    S: 6 OK …
    alice2 C: 7 NOOP
    alice2 S: * 2 EXPUNGE
    alice2 S: 7 OK …
    alice2 C: 8 APPEND INBOX {4+}
    alice2 C: abcd
    alice2 S: * 3 EXISTS
    alice2 S: * … RECENT
    alice2 S: 8 OK …
    C: 9 NOTIFY SET (PERSONAL (MailboxName))
    S: * 3 EXISTS
    S: * … RECENT
    S: 9 OK …`,
    'RFC 5465 section 5.1: search results are updated without a command': String.raw`${select('alice', 2)}${select('alice2', 0)}
    C: 1 NOTIFY SET (SELECTED (MessageNew (UID) MessageExpunge FlagChange))
    S: 1 OK …
    C: 2 UID SEARCH RETURN (UPDATE (FLAGS)) FLAGGED
    S: * ESEARCH (TAG "2") UID
    S: 2 OK …
    alice2 C: 3 UID STORE 1 +FLAGS.SILENT (\Flagged)
    alice2 S: 3 OK …
    S: * 1 FETCH (UID 1 FLAGS (\Flagged \Recent))
    S: * ESEARCH (TAG "2") UID ADDTO (0 1)
    alice2 C: 4 APPEND INBOX (\Flagged) {4+}
    alice2 C: abcd
    alice2 S: * 3 EXISTS
    alice2 S: * 0 RECENT
    alice2 S: 4 OK …
    S: * 3 EXISTS
    S: * 3 RECENT
    S: * 3 FETCH (UID 3 FLAGS (\Flagged \Recent))
    S: * ESEARCH (TAG "2") UID ADDTO (0 3)`,
  },
)

topic(
  'NOTIFY, other mailboxes',
  {},
  {
    'RFC 5465 sections 3.1 and 5.2: STATUS of the watched mailboxes, first and after changes': String.raw`
    C: 1 NOTIFY SET STATUS (MAILBOXES (Sent nowhere) (MessageNew MessageExpunge)) (INBOXES (MessageNew MessageExpunge FlagChange))
    S: * STATUS INBOX (MESSAGES 0 UIDNEXT 1 UIDVALIDITY «v» HIGHESTMODSEQ …)
    S: * STATUS Sent (MESSAGES 0 UIDNEXT 1 UIDVALIDITY «w»)
    S: 1 OK …
    alice2 C: 2 APPEND Sent {4+}
    alice2 C: abcd
    alice2 S: 2 OK …
    S: * STATUS Sent (MESSAGES 1 UIDNEXT 2 UIDVALIDITY «w»)
    alice2 C: 3 APPEND INBOX {4+}
    alice2 C: abcd
    alice2 S: 3 OK …
    S: * STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY «v»)
    alice2 C: 4 SELECT Sent
    ${selected(1, 1, { by: 'alice2' })}
    alice2 S: 4 OK …
    alice2 C: 5 STORE 1 +FLAGS.SILENT (\Seen \Deleted)
    alice2 S: 5 OK …
    alice2 C: 6 EXPUNGE
    alice2 S: * 1 EXPUNGE
    alice2 S: 6 OK …
    S: * STATUS Sent (MESSAGES 0 UIDNEXT 2 UIDVALIDITY «w»)
    C: 7 APPEND Sent {4+}
    C: mine
    S: 7 OK …
    alice2 C: 8 NOOP
    alice2 S: * 1 EXISTS
    alice2 S: * 1 RECENT
    alice2 S: 8 OK …
    C: 9 ENABLE CONDSTORE
    S: * ENABLED CONDSTORE
    S: 9 OK …
    alice2 C: 10 SELECT INBOX
    alice2 S: * OK [CLOSED] …
    ${selected(1, 1, { by: 'alice2' })}
    alice2 S: 10 OK …
    alice2 C: 11 STORE 1 +FLAGS.SILENT (\Seen)
    alice2 S: 11 OK …
    S: * STATUS INBOX (UIDVALIDITY «v» UNSEEN 0 HIGHESTMODSEQ …)`,
    'RFC 5465 section 5.4: MailboxName': String.raw`
    C: 1 NOTIFY SET (SUBTREE a (MailboxName)) (MAILBOXES (x y) (MailboxName))
    S: 1 OK …
    alice2 C: 2 CREATE a
    alice2 S: 2 OK …
    S: * LIST (\HasNoChildren) "/" a
    alice2 C: 2 CREATE a/b
    alice2 S: 2 OK …
    S: * LIST (\HasChildren) "/" a
    S: * LIST (\HasNoChildren) "/" a/b
    alice2 C: 3 RENAME a/b a/c
    alice2 S: 3 OK …
    S: * LIST (\HasNoChildren) "/" a/c ("OLDNAME" (a/b))
    alice2 C: 4 DELETE a/c
    alice2 S: 4 OK …
    S: * LIST (\HasNoChildren) "/" a
    S: * LIST (\NonExistent \HasNoChildren) "/" a/c
    alice2 C: 5 CREATE other
    alice2 S: 5 OK …
    C: 6 CREATE a/mine/below
    S: 6 OK …
    C: 7 DELETE a/mine/below
    S: 7 OK …
    C: 8 RENAME a/mine a/own
    S: 8 OK …
    alice2 C: 9 CREATE a/own/z
    alice2 S: 9 OK …
    S: * LIST (\HasChildren) "/" a/own
    S: * LIST (\HasNoChildren) "/" a/own/z
    alice2 C: 10 RENAME a x
    alice2 S: 10 OK …
    S: * LIST (\HasChildren) "/" x ("OLDNAME" (a))`,
    'RFC 5465 section 5.5: SubscriptionChange, and SUBSCRIBED follows the subscriptions': String.raw`
    C: 1 NOTIFY SET (PERSONAL (SubscriptionChange)) (SUBSCRIBED (MessageNew MessageExpunge))
    S: 1 OK …
    alice2 C: 2 CREATE box
    alice2 S: 2 OK …
    alice2 C: 3 APPEND box {4+}
    alice2 C: abcd
    alice2 S: 3 OK …
    alice2 C: 4 SUBSCRIBE box
    alice2 S: 4 OK …
    S: * LIST (\Subscribed \HasNoChildren) "/" box
    alice2 C: 5 APPEND box {4+}
    alice2 C: abcd
    alice2 S: 5 OK …
    S: * STATUS box (MESSAGES 2 UIDNEXT 3 UIDVALIDITY …)
    alice2 C: 6 UNSUBSCRIBE box
    alice2 S: 6 OK …
    S: * LIST (\HasNoChildren) "/" box
    alice2 C: 7 APPEND box {4+}
    alice2 C: abcd
    alice2 S: 7 OK …
    C: 8 SUBSCRIBE box
    S: 8 OK …
    alice2 C: 9 APPEND box {4+}
    alice2 C: abcd
    alice2 S: 9 OK …
    S: * STATUS box (MESSAGES 4 UIDNEXT 5 UIDVALIDITY …)`,
    'RFC 5465 sections 5.6 and 5.7: changes of metadata': String.raw`
    C: 1 NOTIFY SET (PERSONAL (MailboxMetadataChange ServerMetadataChange))
    S: 1 OK …
    alice2 C: 2 SETMETADATA INBOX (/private/comment "x")
    alice2 S: 2 OK …
    S: * METADATA INBOX /private/comment
    alice2 C: 3 SETMETADATA "" (/private/comment "x")
    alice2 S: 3 OK …
    S: * METADATA "" /private/comment
    bob C: 4 SETMETADATA "" (/private/comment "x")
    bob S: 4 OK …
    bob C: 5 SETMETADATA INBOX (/private/comment "x")
    bob S: 5 OK …
    C: 6 SETMETADATA INBOX (/private/comment NIL)
    S: 6 OK …`,
    'RFC 5465 sections 3.1, 5.4 and 5.9: mailboxes of others, with and without rights': String.raw`
    bob C: 1 CREATE shown
    bob S: 1 OK …
    bob C: 2 SETACL shown alice l
    bob S: 2 OK …
    C: 3 NOTIFY SET STATUS (SUBTREE "Other Users" (MessageNew MessageExpunge MailboxName))
    S: * LIST (\NoAccess) "/" "Other Users/bob/shown"
    S: 3 OK …
    bob C: 4 CREATE secret
    bob S: 4 OK …
    bob C: 5 APPEND secret {4+}
    bob C: abcd
    bob S: 5 OK …
    bob C: 6 DELETE secret
    bob S: 6 OK …
    bob C: 7 APPEND shown {4+}
    bob C: abcd
    bob S: 7 OK …
    bob C: 8 SETACL shown alice lr
    bob S: 8 OK …
    S: * LIST (\HasNoChildren) "/" "Other Users/bob/shown"
    bob C: 9 APPEND shown {4+}
    bob C: abcd
    bob S: 9 OK …
    S: * STATUS "Other Users/bob/shown" (MESSAGES 2 UIDNEXT 3 UIDVALIDITY …)
    bob C: 10 RENAME shown renamed
    bob S: 10 OK …
    S: * LIST (\HasNoChildren) "/" "Other Users/bob/renamed" ("OLDNAME" ("Other Users/bob/shown"))
    bob C: 11 DELETEACL renamed alice
    bob S: 11 OK …
    S: * LIST (\NonExistent \HasNoChildren) "/" "Other Users/bob/renamed"
    bob C: 12 APPEND renamed {4+}
    bob C: abcd
    bob S: 12 OK …
    C: 13 NOOP
    S: 13 OK …`,
    'RFC 5465 sections 3.1, 5 and 6: what is refused': String.raw`
    C: 1 NOTIFY SET (SELECTED (MessageNew))
    S: 1 BAD …
    C: 2 NOTIFY SET (PERSONAL (FlagChange))
    S: 2 BAD …
    C: 3 NOTIFY SET (SELECTED (MessageNew MessageExpunge)) (SELECTED-DELAYED (MessageNew MessageExpunge))
    S: 3 BAD …
    C: 4 NOTIFY SET (SELECTED (MailboxName))
    S: 4 BAD …
    C: 5 NOTIFY SET (PERSONAL (MessageNew (UID) MessageExpunge))
    S: 5 BAD …
    C: 6 NOTIFY SET (PERSONAL (MessageNew MessageExpunge AnnotationChange))
    S: 6 NO [BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange)] …
    C: 7 NOTIFY SET (EVERYTHING (MailboxName))
    S: 7 BAD …
    C: 8 NOTIFY SET
    S: 8 BAD …
    C: 9 NOTIFY NONE x
    S: 9 BAD …
    C: 10 NOTIFY SET STATUS (SELECTED NONE) (MAILBOXES INBOX NONE)
    S: 10 OK …
    C: 11 NOTIFY SET (PERSONAL MessageNew MessageExpunge)
    S: 11 OK …
    alice2 C: 12 APPEND Sent {4+}
    alice2 C: abcd
    alice2 S: 12 OK …
    S: * STATUS Sent (MESSAGES 1 UIDNEXT 2 UIDVALIDITY …)
    bob C: 13 APPEND INBOX {4+}
    bob C: abcd
    bob S: 13 OK …
    C: 14 UNAUTHENTICATE
    S: 14 OK …
    alice2 C: 15 APPEND Sent {4+}
    alice2 C: abcd
    alice2 S: 15 OK …
    C: 16 NOOP
    S: 16 OK …`,
    'RFC 5465 section 4: IDLE sends the same events': String.raw`
    C: 1 NOTIFY SET (PERSONAL (MessageNew MessageExpunge))
    S: 1 OK …
    C: 2 IDLE
    S: + idling
    bob C: 3 NOOP
    bob S: 3 OK …
    alice2 C: 4 APPEND Sent {4+}
    alice2 C: abcd
    alice2 S: 4 OK …
    S: * STATUS Sent (MESSAGES 1 UIDNEXT 2 UIDVALIDITY …)
    C: DONE
    S: 2 OK …`,
  },
)

test('RFC 5465 section 5.8: more changes than may wait are an overflow, which ends the notifications', async () => {
  // In one step, so that the client cannot read the first changes before the last ones are made.
  await using lab = await startImapLab({ store: new MemoryStore({ clock: systemClock }) })
  using client = await connectBy('TLS', lab)
  client.send('a LOGIN alice secret\r\nb NOTIFY SET (PERSONAL (MailboxName))\r\n')
  await client.lines((line) => line.startsWith('b '))
  const owner = accountOwner('alice')
  await Promise.all(Array.from({ length: 1_200 }, (_, n) => lab.store.createFolder(owner, `box${n}`)))
  expect(await client.line()).toMatch(/^\* OK \[NOTIFICATIONOVERFLOW\]/)
  await lab.store.createFolder(owner, 'later')
  client.send('c NOOP\r\n')
  expect(await client.line()).toMatch(/^c OK/)
})

test('a client that does not read stops nobody, and gets the last state when it reads again', async () => {
  await using lab = await startImapLab()
  const [watching, working] = [await connectBy('TLS', lab), await connectBy('TLS', lab)]
  watching.send(
    'a LOGIN alice secret\r\nb SELECT Sent\r\nc NOTIFY SET (SELECTED (MessageNew (BODY.PEEK[]) MessageExpunge)) (INBOXES (MessageNew MessageExpunge))\r\n',
  )
  await watching.lines((line) => line.startsWith('c '))
  watching.pause()
  working.send('a LOGIN alice secret\r\n')
  await working.line()
  const body = 'x'.repeat(100_000)
  for (let n = 0; n < 25; n++) {
    working.send(`s${n} APPEND Sent {${body.length}+}\r\n${body}\r\ni${n} APPEND INBOX {1+}\r\nx\r\n`)
    expect((await working.lines((line) => line.startsWith(`i${n} `))).at(-1)).toMatch(/ OK /)
  }
  watching.resume()
  const lines = await watching.lines((line) => line.startsWith('* STATUS INBOX (MESSAGES 25 '))
  watching.send('d NOOP\r\n')
  lines.push(...(await watching.lines((line) => line.startsWith('d '))))
  expect(lines.filter((line) => line.includes(' FETCH ('))).toHaveLength(25)
  expect(lines.filter((line) => line.startsWith('* STATUS')).length).toBeLessThanOrEqual(25)
  watching.destroy()
  working.destroy()
})

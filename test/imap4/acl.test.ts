import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { test } from 'vitest'
import { systemClock } from '../../src/common/clock.ts'
import { openLmdbStore } from '../../src/store/lmdb/open.ts'
import { play, Sessions, startImapLab, topic } from './support.ts'

const accounts = [
  { user: 'alice', password: 'secret' },
  { user: 'bob', password: 'geheim' },
  { user: 'carol', password: 'admin' },
]
const lab = { config: { administrators: ['carol'], directory: { accounts } } }
const share = (tag: string, rights: string, mailbox = 'INBOX', identifier = 'bob'): string =>
  `C: ${tag} SETACL ${mailbox} ${identifier} ${rights}
      S: ${tag} OK …`
const INBOX = '"Other Users/alice/INBOX"'
const opened = (flags: string, exists: number, recent: number): string => `bob S: * FLAGS …
      bob S: * OK [PERMANENTFLAGS (${flags})] …
      bob S: * ${exists} EXISTS
      bob S: * ${recent} RECENT
      bob S: * OK [UNSEEN 1] …
      bob S: * OK [UIDVALIDITY …
      bob S: * OK [UIDNEXT …
      bob S: * OK [HIGHESTMODSEQ …
      bob S: * OK [MAILBOXID …`
const ALL = '\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*'

topic(
  'RFC 4314: ACL commands',
  { lab },
  {
    'are announced, and the owner has all rights': `
      C: 1 CAPABILITY
      S: * CAPABILITY … ACL RIGHTS=kxte LIST-MYRIGHTS …
      S: 1 OK …
      C: 2 MYRIGHTS INBOX
      S: * MYRIGHTS INBOX lrswipkxteacd
      S: 2 OK …
      C: 3 GETACL INBOX
      S: * ACL INBOX alice lrswipkxteacd
      S: 3 OK …
      C: 4 LISTRIGHTS INBOX alice
      S: * LISTRIGHTS INBOX alice lrswipkxteacd
      S: 4 OK …
      C: 5 LISTRIGHTS INBOX bob
      S: * LISTRIGHTS INBOX bob "" l r s w i p k x t e a c d
      S: 5 OK …
      C: 6 SETACL INBOX alice lr
      S: 6 NO [CANNOT] …
    `,
    'set, change and delete rights': `
      ${share('1', 'lrs')}
      ${share('2', '+wte')}
      ${share('3', '-s')}
      C: 4 SETACL INBOX anyone l
      S: 4 OK …
      C: 5 SETACL INBOX -bob w
      S: 5 OK …
      C: 6 GETACL INBOX
      S: * ACL INBOX alice lrswipkxteacd -bob w anyone l bob lrwted
      S: 6 OK …
      bob C: 7 MYRIGHTS ${INBOX}
      bob S: * MYRIGHTS "Other Users/alice/INBOX" lrted
      bob S: 7 OK …
      C: 8 DELETEACL INBOX bob
      S: 8 OK …
      C: 9 DELETEACL INBOX -bob
      S: 9 OK …
      bob C: 10 MYRIGHTS ${INBOX}
      bob S: * MYRIGHTS "Other Users/alice/INBOX" l
      bob S: 10 OK …
      C: 11 SETACL INBOX anyone ""
      S: 11 OK …
      bob C: 12 MYRIGHTS ${INBOX}
      bob S: 12 NO [NONEXISTENT] …
    `,
    'understand the rights of RFC 2086, and refuse unknown ones': `
      ${share('1', 'lrcd')}
      bob C: 2 MYRIGHTS ${INBOX}
      bob S: * MYRIGHTS "Other Users/alice/INBOX" lrkxtecd
      bob S: 2 OK …
      C: 3 SETACL INBOX bob lrz
      S: 3 BAD …
      C: 4 SETACL INBOX bob LR
      S: 4 BAD …
      C: 5 SETACL Nowhere bob lr
      S: 5 NO [NONEXISTENT] …
      C: 6 SETACL INBOX "" lr
      S: 6 NO [CANNOT] …
    `,
    'need the right to administer': `
      ${share('1', 'lr')}
      bob C: 2 GETACL ${INBOX}
      bob S: 2 NO [NOPERM] You may not administer this mailbox.
      bob C: 3 SETACL ${INBOX} bob lrswipkxtea
      bob S: 3 NO [NOPERM] …
      bob C: 4 GETACL "Other Users/alice/Sent"
      bob S: 4 NO [NONEXISTENT] …
      ${share('5', '+a')}
      bob C: 6 SETACL ${INBOX} carol lr
      bob S: 6 OK …
      admin C: 7 LOGIN carol admin
      admin S: 7 OK …
      admin C: 8 SETACL "Other Users/alice/Sent" bob l
      admin S: 8 OK …
      admin C: 9 SELECT "Other Users/alice/Sent"
      admin S: 9 NO [NONEXISTENT] …
      C: 10 GETACL Sent
      S: * ACL Sent alice lrswipkxteacd bob l
      S: 10 OK …
    `,
  },
)

topic(
  'RFC 4314: shared mailboxes',
  { lab, mail: ['Subject: one\r\n\r\none\r\n', 'Subject: two\r\n\r\ntwo\r\n'] },
  {
    'are listed with the right l, below Other Users': `
      bob C: 1 NAMESPACE
      bob S: * NAMESPACE (("" "/")) (("Other Users/" "/")) (("Public Folders/" "/")…)
      bob S: 1 OK …
      bob C: 2 LIST "" "Other Users/*"
      bob S: 2 OK …
      ${share('3', 'lr')}
      ${share('4', 'r', 'Drafts')}
      C: 5 SETACL Sent anyone l
      S: 5 OK …
      bob C: 6 LIST "" "Other Users*" RETURN (MYRIGHTS)
      bob S: * LIST (\\Noselect \\HasChildren) "/" "Other Users"
      bob S: * LIST (\\NonExistent \\HasChildren) "/" "Other Users/alice"
      bob S: * LIST (\\HasNoChildren) "/" "Other Users/alice/INBOX"
      bob S: * MYRIGHTS "Other Users/alice/INBOX" lr
      bob S: * LIST (\\HasNoChildren) "/" "Other Users/alice/Sent"
      bob S: * MYRIGHTS "Other Users/alice/Sent" l
      bob S: 6 OK …
      bob C: 7 STATUS ${INBOX} (MESSAGES UNSEEN)
      bob S: * STATUS "Other Users/alice/INBOX" (MESSAGES 2 UNSEEN 2)
      bob S: 7 OK …
      bob C: 8 STATUS "Other Users/alice/Sent" (MESSAGES)
      bob S: 8 NO [NOPERM] …
      bob C: 81 LIST "" "Other Users/alice/%" RETURN (STATUS (MESSAGES) METADATA (/shared/comment))
      bob S: * LIST (\\HasNoChildren) "/" "Other Users/alice/INBOX"
      bob S: * STATUS "Other Users/alice/INBOX" (MESSAGES 2)
      bob S: * METADATA "Other Users/alice/INBOX" (/shared/comment NIL)
      bob S: * LIST (\\HasNoChildren) "/" "Other Users/alice/Sent"
      bob S: 81 OK …
      bob C: 9 SUBSCRIBE ${INBOX}
      bob S: 9 OK …
      C: 10 RENAME Sent Posted
      S: 10 OK …
      bob C: 11 LIST "" "Other Users/alice/Posted"
      bob S: * LIST (\\HasNoChildren) "/" "Other Users/alice/Posted"
      bob S: 11 OK …
      C: 12 DELETE Posted
      S: 12 OK …
      bob C: 13 LIST "" "Other Users/alice/Posted"
      bob S: 13 OK …
    `,
    'are read-only with lr': `
      ${share('1', 'lr')}
      bob C: 2 SELECT ${INBOX}
      ${opened('', 2, 2)}
      bob S: 2 OK [READ-ONLY] …
      bob C: 3 FETCH 1 BODY[TEXT]
      bob S: * 1 FETCH (BODY[TEXT] {5}
      bob S: one
      bob S: )
      bob S: 3 OK …
      bob C: 4 STORE 1 +FLAGS (\\Seen)
      bob S: 4 NO [NOPERM] …
      bob C: 5 EXPUNGE
      bob S: 5 NO [NOPERM] …
      bob C: 6 APPEND ${INBOX} {1}
      bob S: 6 NO [NOPERM] You may not store messages in this mailbox.
      bob C: 7 COPY 1 INBOX
      bob S: 7 OK [COPYUID …
      bob C: 8 MOVE 1 INBOX
      bob S: 8 NO [NOPERM] …
      bob C: 9 DELETE ${INBOX}
      bob S: 9 NO [NOPERM] …
      bob C: 10 CREATE "Other Users/alice/INBOX/new"
      bob S: 10 NO [NOPERM] …
      bob C: 11 CREATE "Other Users/alice/new"
      bob S: 11 NO [NONEXISTENT] …
      bob C: 12 RENAME ${INBOX} taken
      bob S: 12 NO [CANNOT] …
    `,
    'keep a \\Seen of their own, and share the other flags by right': `
      ${share('1', 'lrsw')}
      bob C: 2 SELECT ${INBOX}
      ${opened('\\Answered \\Flagged \\Seen \\Draft \\*', 2, 2)}
      bob S: 2 OK [READ-WRITE] …
      bob C: 3 STORE 1 +FLAGS.SILENT (\\Seen \\Flagged \\Deleted)
      bob S: 3 OK …
      C: 4 SELECT INBOX
      S: * FLAGS …
      S: * OK [PERMANENTFLAGS (${ALL})] …
      S: * 2 EXISTS
      S: * 2 RECENT
      S: * OK [UNSEEN 1] …
      S: * OK [UIDVALIDITY …
      S: * OK [UIDNEXT …
      S: * OK [HIGHESTMODSEQ …
      S: * OK [MAILBOXID …
      S: 4 OK …
      C: 5 FETCH 1 FLAGS
      S: * 1 FETCH (FLAGS (\\Flagged \\Recent))
      S: 5 OK …
      C: 6 STORE 1 FLAGS (\\Answered)
      S: * 1 FETCH (FLAGS (\\Answered \\Recent))
      S: 6 OK …
      bob C: 7 NOOP
      bob S: * 1 FETCH (UID 1 FLAGS (\\Answered \\Seen \\Recent))
      bob S: 7 OK …
    `,
    'take messages with i, and lose them with t and e': `
      ${share('1', 'lrite')}
      bob C: 2 APPEND ${INBOX} (\\Flagged \\Deleted) {1+}
      bob C: x
      bob S: 2 OK [APPENDUID …
      bob C: 3 SELECT ${INBOX}
      ${opened('\\Deleted', 3, 3)}
      bob S: 3 OK [READ-WRITE] …
      bob C: 4 FETCH 3 FLAGS
      bob S: * 3 FETCH (FLAGS (\\Deleted \\Recent))
      bob S: 4 OK …
      bob C: 5 EXPUNGE
      bob S: * 3 EXPUNGE
      bob S: 5 OK …
      bob C: 6 MOVE 2 INBOX
      bob S: * OK [COPYUID …
      bob S: * 2 EXPUNGE
      bob S: 6 OK …
    `,
    'can be created below, renamed and deleted with k and x': `
      C: 1 CREATE team
      S: 1 OK …
      ${share('2', 'lrkx', 'team')}
      bob C: 3 CREATE "Other Users/alice/team/a/b"
      bob S: 3 OK …
      C: 4 GETACL team/a/b
      S: * ACL team/a/b alice lrswipkxteacd bob lrkxc
      S: 4 OK …
      bob C: 5 RENAME "Other Users/alice/team/a/b" "Other Users/alice/team/c"
      bob S: 5 OK …
      bob C: 6 RENAME "Other Users/alice/team/c" "Other Users/alice/c"
      bob S: 6 NO [NONEXISTENT] …
      bob C: 7 DELETE "Other Users/alice/team/c"
      bob S: 7 OK …
      C: 8 LIST "" team/*
      S: * LIST (\\HasNoChildren) "/" team/a
      S: 8 OK …
    `,
    'a right that is taken ends while the mailbox is selected': `
      ${share('1', 'lrs')}
      bob C: 2 SELECT ${INBOX}
      ${opened('\\Seen', 2, 2)}
      bob S: 2 OK …
      C: 3 DELETEACL INBOX bob
      S: 3 OK …
      bob C: 4 FETCH 1 FLAGS
      bob S: 4 NO [NOPERM] …
      bob C: 5 APPEND INBOX CATENATE (URL "/;UID=1")
      bob S: 5 NO [BADURL …
      bob C: 6 SELECT ${INBOX}
      bob S: * OK [CLOSED] …
      bob S: 6 NO [NONEXISTENT] …
    `,
    'new messages are not shown when the right to read is taken': `
      ${share('1', 'lr')}
      bob C: 2 NOTIFY SET (SELECTED (MessageNew (BODY.PEEK[]) MessageExpunge FlagChange))
      bob S: 2 OK …
      bob C: 3 SELECT ${INBOX}
      ${opened('', 2, 2)}
      bob S: 3 OK …
      C: 4 DELETEACL INBOX bob
      S: 4 OK …
      C: 5 APPEND INBOX {6+}
      C: secret
      S: 5 OK …
      bob C: 7 NOOP
      bob S: 7 OK …
    `,
    'newsgroups have fixed rights': `
      C: 1 MYRIGHTS Nowhere
      S: 1 NO [NONEXISTENT] …
      C: 2 SETACL "Other Users/bob/INBOX" alice lr
      S: 2 NO [NONEXISTENT] …
      C: 3 SETACL "Other Users/nobody/INBOX" alice lr
      S: 3 NO [NONEXISTENT] …
    `,
  },
)

test('access control lists survive a restart', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealpost-acl-'))
  const run = async (script: string): Promise<void> => {
    await using store = await openLmdbStore(folder, { clock: systemClock, log: pino({ level: 'silent' }) })
    await using running = await startImapLab({ ...lab, store })
    const sessions = new Sessions(running, 'TLS')
    try {
      await play(sessions, script)
    } finally {
      sessions.end()
    }
  }
  try {
    await run(share('1', 'lrs'))
    await run(`bob C: 1 LIST "" "Other Users/%/%" RETURN (MYRIGHTS)
      bob S: * LIST (\\HasNoChildren) "/" "Other Users/alice/INBOX"
      bob S: * MYRIGHTS "Other Users/alice/INBOX" lrs
      bob S: 1 OK …`)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

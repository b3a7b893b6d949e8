import { test } from 'vitest'
import type { MailLabOptions } from '../../support/mail-lab.ts'
import { onDisk, selected, topic } from './support.ts'

const lab: MailLabOptions = { config: { news: { groups: [{ name: 'lab.talk' }] } } }
const ARTICLE = (text: string): string => `From: a@lab.test\r\nSubject: ${text}\r\n\r\n${text}\r\n`
const post = (
  tag: string,
  text: string,
): string => `C: ${tag} APPEND "Public Folders/lab.talk" {${ARTICLE(text).length}+}
  ${ARTICLE(text)
    .split('\r\n')
    .map((line) => `C: ${line}`)
    .join('\n  ')}
  S: ${tag} OK [APPENDUID …`
const opened = (exists: number, recent: number, unseen: number | undefined): string => `S: * FLAGS …
  S: * OK [PERMANENTFLAGS (\\Seen)] …
  S: * ${exists} EXISTS
  S: * ${recent} RECENT
  ${unseen === undefined ? '' : `S: * OK [UNSEEN ${unseen}] …\n`}S: * OK [UIDVALIDITY …
  S: * OK [UIDNEXT ${exists + 1}] …
  S: * OK [HIGHESTMODSEQ «modseq»] …
  S: * OK [MAILBOXID …`
const as = (name: string, script: string): string => script.replace(/^ *(?=[CS]:)/gm, `${name} `)

topic(
  'newsgroups: each account has its own \\Seen',
  { lab },
  {
    'what one account has read stays unread for others': `
      ${post('1', 'one')}
      ${post('2', 'two')}
      C: 3 SELECT "Public Folders/lab.talk"
      ${opened(2, 2, 1)}
      S: 3 OK [READ-WRITE] …
      C: 4 FETCH 1 BODY[TEXT]
      S: * 1 FETCH (BODY[TEXT] {5}
      S: one
      S:  FLAGS (\\Seen \\Recent))
      S: 4 OK …
      C: 5 SEARCH UNSEEN
      S: * SEARCH 2
      S: 5 OK …
      C: 6 STATUS "Public Folders/lab.talk" (UNSEEN)
      S: * STATUS "Public Folders/lab.talk" (UNSEEN 1)
      S: 6 OK …
      bob C: 7 STATUS "Public Folders/lab.talk" (UNSEEN MESSAGES)
      bob S: * STATUS "Public Folders/lab.talk" (UNSEEN 2 MESSAGES 2)
      bob S: 7 OK …
      ${as('bob', `C: 8 SELECT "Public Folders/lab.talk"\n${opened(2, 2, 1).replace('«modseq»', '…')}`)}
      bob S: 8 OK [READ-WRITE] …
      bob C: 9 SEARCH SEEN
      bob S: * SEARCH
      bob S: 9 OK …
    `,
    'other sessions of the account are told, those of other accounts are not': `
      ${post('1', 'one')}
      C: 2 SELECT "Public Folders/lab.talk"
      ${opened(1, 1, 1)}
      S: 2 OK …
      ${as('alice2', `C: 3 SELECT "Public Folders/lab.talk"\n${opened(1, 0, 1).replace('«modseq»', '…')}`)}
      alice2 S: 3 OK …
      ${as('bob', `C: 3 SELECT "Public Folders/lab.talk"\n${opened(1, 1, 1).replace('«modseq»', '…')}`)}
      bob S: 3 OK …
      C: 4 STORE 1 +FLAGS (\\Seen)
      S: * 1 FETCH (FLAGS (\\Seen \\Recent))
      S: 4 OK …
      alice2 C: 5 NOOP
      alice2 S: * 1 FETCH (UID 1 FLAGS (\\Seen))
      alice2 S: 5 OK …
      bob C: 6 NOOP
      bob S: 6 OK …
      C: 7 STORE 1 -FLAGS (\\Seen)
      S: * 1 FETCH (FLAGS (\\Recent))
      S: 7 OK …
    `,
    'a change has a modification sequence': `
      ${post('1', 'one')}
      ${post('2', 'two')}
      C: 3 SELECT "Public Folders/lab.talk" (CONDSTORE)
      ${opened(2, 2, 1)}
      S: 3 OK …
      C: 4 STORE 2 +FLAGS.SILENT (\\Seen)
      S: * 2 FETCH (MODSEQ («new»))
      S: 4 OK …
      C: 5 UID FETCH 1:* (FLAGS) (CHANGEDSINCE «modseq»)
      S: * 2 FETCH (UID 2 FLAGS (\\Seen \\Recent) MODSEQ («new»))
      S: 5 OK …
      C: 6 STORE 2 (UNCHANGEDSINCE «modseq») -FLAGS (\\Seen)
      S: 6 OK [MODIFIED 2] …
      C: 7 STATUS "Public Folders/lab.talk" (HIGHESTMODSEQ)
      S: * STATUS "Public Folders/lab.talk" (HIGHESTMODSEQ «new»)
      S: 7 OK …
    `,
    'the other flags cannot be changed, and articles cannot be expunged': `
      ${post('1', 'one')}
      C: 2 SELECT "Public Folders/lab.talk"
      ${opened(1, 1, 1)}
      S: 2 OK …
      C: 3 STORE 1 +FLAGS (\\Deleted)
      S: 3 NO [NOPERM] You may not mark messages of this mailbox as deleted.
      C: 4 STORE 1 +FLAGS (\\Seen \\Flagged)
      S: * 1 FETCH (FLAGS (\\Seen \\Recent))
      S: 4 OK …
      C: 5 STORE 1 FLAGS ()
      S: * 1 FETCH (FLAGS (\\Recent))
      S: 5 OK …
      C: 6 EXPUNGE
      S: 6 NO [NOPERM] …
      C: 7 MOVE 1 INBOX
      S: 7 NO [NOPERM] …
      C: 8 CLOSE
      S: 8 OK …
    `,
    'a copy keeps \\Seen': `
      ${post('1', 'one')}
      ${post('2', 'two')}
      C: 3 SELECT "Public Folders/lab.talk"
      ${opened(2, 2, 1)}
      S: 3 OK …
      C: 4 STORE 1 +FLAGS.SILENT (\\Seen)
      S: 4 OK …
      C: 5 COPY 1:2 INBOX
      S: 5 OK [COPYUID …
      C: 6 STATUS INBOX (MESSAGES UNSEEN)
      S: * STATUS INBOX (MESSAGES 2 UNSEEN 1)
      S: 6 OK …
    `,
  },
)

test('\\Seen in newsgroups and \\Recent survive a restart', async () => {
  const status = (tag: string, mailbox: string, unseen: number, recent: number): string =>
    `C: ${tag} STATUS ${mailbox} (UNSEEN RECENT)
     S: * STATUS ${mailbox} (UNSEEN ${unseen} RECENT ${recent})
     S: ${tag} OK …`
  await onDisk(lab, async (run) => {
    await run(`${post('1', 'one')}
      ${post('2', 'two')}
      C: 3 APPEND INBOX {1+}
      C: x
      S: 3 OK …
      ${status('4', 'INBOX', 1, 1)}
      C: 5 SELECT INBOX
      ${selected(1, 1, { uidNext: 2 })}
      S: 5 OK …
      C: 6 SELECT "Public Folders/lab.talk"
      S: * OK [CLOSED] …
      ${opened(2, 2, 1)}
      S: 6 OK …
      C: 7 STORE 2 +FLAGS.SILENT (\\Seen)
      S: 7 OK …
      C: 8 LOGOUT
      S: * BYE …
      S: 8 OK …`)
    await run(`${status('1', 'INBOX', 1, 0)}
      ${status('2', '"Public Folders/lab.talk"', 1, 0)}
      ${as('bob', status('3', '"Public Folders/lab.talk"', 2, 2))}`)
  })
})

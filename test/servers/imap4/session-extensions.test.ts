import { expect, test } from 'vitest'
import { connectBy, selected, startImapLab, topic } from './support.ts'

topic(
  'RFC 8437: UNAUTHENTICATE',
  { mail: ['Subject: one\r\n\r\n'] },
  {
    'ends the log-on, and another account can log on': `
      C: 1 SELECT INBOX
      ${selected(1, 1, { uidNext: 2 })}
      S: 1 OK [READ-WRITE] …
      C: 2 UNAUTHENTICATE
      S: 2 OK UNAUTHENTICATE completed
      C: 3 FETCH 1 UID
      S: 3 BAD FETCH is not allowed in this state.
      C: 4 UNAUTHENTICATE
      S: 4 BAD UNAUTHENTICATE is not allowed in this state.
      C: 5 LOGIN bob geheim
      S: 5 OK [CAPABILITY …UNAUTHENTICATE…
      C: 6 STATUS INBOX (MESSAGES)
      S: * STATUS INBOX (MESSAGES 0)
      S: 6 OK …
    `,
    'forgets what ENABLE turned on': `
      C: 1 ENABLE CONDSTORE IMAP4rev2
      S: * ENABLED CONDSTORE IMAP4rev2
      S: 1 OK …
      C: 2 UNAUTHENTICATE
      S: 2 OK …
      C: 3 LOGIN alice secret
      S: 3 OK …
      C: 4 ENABLE CONDSTORE
      S: * ENABLED CONDSTORE
      S: 4 OK …
    `,
  },
)

const FIVE = ['one', 'two', 'three', 'four', 'five'].map((word) => `Subject: ${word}\r\n\r\n${word}\r\n`)
const OPENED = `S: * FLAGS …
  S: * OK [PERMANENTFLAGS …
  S: * 5 EXISTS
  S: * 5 RECENT
  S: * OK [UNSEEN 1] …
  S: * OK [UIDVALIDITY …
  S: * OK [UIDNEXT 6] …
  S: * OK [HIGHESTMODSEQ …
  S: * OK [MAILBOXID …
  S: 1 OK [READ-WRITE] …`

topic(
  'RFC 9738: MESSAGELIMIT',
  { mail: FIVE, lab: { limits: { messagesPerCommand: 3 } } },
  {
    'is announced': `
      C: 1 CAPABILITY
      S: * CAPABILITY …MESSAGELIMIT=3…
      S: 1 OK …
    `,
    'FETCH and STORE process the last messages': `
      C: 1 SELECT INBOX
      ${OPENED}
      C: 2 FETCH 1:4 UID
      S: * 2 FETCH (UID 2)
      S: * 3 FETCH (UID 3)
      S: * 4 FETCH (UID 4)
      S: 2 OK [MESSAGELIMIT 3 2] …
      C: 3 UID FETCH 3:* UID
      S: * 3 FETCH (UID 3)
      S: * 4 FETCH (UID 4)
      S: * 5 FETCH (UID 5)
      S: 3 OK UID FETCH completed
      C: 4 STORE 1:* +FLAGS.SILENT (\\Deleted)
      S: 4 OK [MESSAGELIMIT 3 3] …
      C: 5 STORE 2 +FLAGS.SILENT (\\Deleted)
      S: 5 OK …
      C: 6 UID EXPUNGE 1:*
      S: * 5 EXPUNGE
      S: * 4 EXPUNGE
      S: * 3 EXPUNGE
      S: 6 OK [MESSAGELIMIT 3 3] …
    `,
    'SEARCH tests the last messages, unless the client names fewer': `
      C: 1 SELECT INBOX
      ${OPENED}
      C: 2 UID SEARCH ALL
      S: * SEARCH 3 4 5
      S: 2 OK [MESSAGELIMIT 3 3] …
      C: 3 UID SEARCH UIDBEFORE 3 BODY o
      S: * SEARCH 1 2
      S: 3 OK UID SEARCH completed
      C: 4 UID SEARCH UIDAFTER 2 UIDBEFORE 5
      S: * SEARCH 3 4
      S: 4 OK UID SEARCH completed
    `,
    'COPY, MOVE and APPEND are refused': `
      C: 1 SELECT INBOX
      ${OPENED}
      C: 2 COPY 1:4 Trash
      S: 2 NO [MESSAGELIMIT 3] One command may process 3 messages.
      C: 3 MOVE 1:4 Trash
      S: 3 NO [MESSAGELIMIT 3] …
      C: 4 COPY 1:3 Trash
      S: 4 OK [COPYUID …
      C: 5 APPEND Trash {1+}
      C: a {1+}
      C: b {1+}
      C: c {1+}
      C: d
      S: 5 NO [MESSAGELIMIT 3] …
    `,
  },
)

test('RFC 9585: a long SEARCH reports its progress', async () => {
  await using lab = await startImapLab({ limits: { progressInterval: 1 } })
  const body = 'a line without the word that is looked for\r\n'.repeat(400)
  await lab.put('alice', ...Array.from({ length: 300 }, (_, i) => `Subject: ${i}\r\n\r\n${body}`))
  const client = await connectBy('TLS', lab)
  client.send('1 LOGIN alice secret\r\n2 EXAMINE INBOX\r\n')
  expect((await client.lines((line) => line.startsWith('2 '))).at(-1)).toMatch(/^2 OK /)
  // Each key searches every message.
  const keys = Array.from({ length: 60 }, (_, i) => `OR BODY needle${i}`)
  client.send(`7 SEARCH ${keys.join(' ')} BODY needle\r\n`)
  const lines = await client.lines((line) => line.startsWith('7 '))
  client.destroy()
  expect(lines[0]).toMatch(/^\* OK \[INPROGRESS \("7" \d+ 300\)\] Still working$/)
  expect(lines.slice(-2)).toEqual(['* SEARCH', '7 OK SEARCH completed'])
})

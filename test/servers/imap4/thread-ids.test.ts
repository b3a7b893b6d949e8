import { test } from 'vitest'
import { onDisk, topic } from './support.ts'

const mail = (id: string, ...references: string[]): string =>
  `Message-ID: <${id}@x>\r\nReferences: ${references.map((one) => `<${one}@x>`).join('\r\n ')}\r\n\r\n`
const SELECTED = (exists: number): string => `S: * FLAGS …
      S: * OK [PERMANENTFLAGS …
      S: * ${exists} EXISTS
      S: * …
      S: * OK [UNSEEN 1] …
      S: * OK [UIDVALIDITY …
      S: * OK [UIDNEXT …
      S: * OK [HIGHESTMODSEQ …
      S: * OK [MAILBOXID …`

topic(
  'RFC 8474: THREADID',
  {
    mail: [
      mail('root'),
      mail('reply', 'root'),
      'Subject: alone\r\n\r\n',
      'Message-ID: <late@x>\r\nIn-Reply-To: <reply@x>\r\n\r\n',
      mail('orphan', 'unseen', 'lost'),
    ],
  },
  {
    'messages of one conversation have the same thread id': `
      C: 1 SELECT INBOX
      ${SELECTED(5)}
      S: 1 OK …
      C: 2 FETCH 1:5 THREADID
      S: * 1 FETCH (THREADID («thread»))
      S: * 2 FETCH (THREADID («thread»))
      S: * 3 FETCH (THREADID («alone»))
      S: * 4 FETCH (THREADID («thread»))
      S: * 5 FETCH (THREADID («orphan»))
      S: 2 OK …
      C: 3 SEARCH THREADID «thread»
      S: * SEARCH 1 2 4
      S: 3 OK …
      C: 4 SEARCH NOT THREADID «thread» THREADID «alone»
      S: * SEARCH 3
      S: 4 OK …
      C: 5 SEARCH THREADID Tnone
      S: * SEARCH
      S: 5 OK …
    `,
    'is the same in other mailboxes, and for ancestors that arrive later': `
      C: 1 SELECT INBOX
      ${SELECTED(5)}
      S: 1 OK …
      C: 2 FETCH 1,5 THREADID
      S: * 1 FETCH (THREADID («thread»))
      S: * 5 FETCH (THREADID («orphan»))
      S: 2 OK …
      C: 3 COPY 2 Sent
      S: 3 OK …
      C: 4 APPEND Sent {24+}
      C: Message-ID: <lost@x>
      C: 
      C: 
      S: 4 OK …
      C: 5 SELECT Sent
      S: * OK [CLOSED] …
      ${SELECTED(2)}
      S: 5 OK …
      C: 6 FETCH 1:2 THREADID
      S: * 1 FETCH (THREADID («thread»))
      S: * 2 FETCH (THREADID («orphan»))
      S: 6 OK …
    `,
  },
)

test('THREADID survives a restart', async () => {
  await onDisk({}, async (run) => {
    // The reply of a message that has not arrived: its References name only the nearest ancestor.
    await run(
      `C: 1 SELECT INBOX
      ${SELECTED(1)}
      S: 1 OK …
      C: 2 FETCH 1 THREADID
      S: * 1 FETCH (THREADID («thread»))
      S: 2 OK …`,
      [mail('second', 'first')],
    )
    await run(
      `C: 1 SELECT INBOX
      ${SELECTED(3)}
      S: 1 OK …
      C: 2 FETCH 1:3 THREADID
      S: * 1 FETCH (THREADID («thread»))
      S: * 2 FETCH (THREADID («thread»))
      S: * 3 FETCH (THREADID («thread»))
      S: 2 OK …`,
      [mail('first', 'zeroth'), mail('third', 'second')],
    )
  })
})

import { expect, test } from 'vitest'
import { connectBy, selected, startImapLab, topic } from './support.ts'

const select = String.raw`
    C: s SELECT INBOX
    ${selected(4, 4)}
    S: s OK [READ-WRITE] …`

const mail = ['d', 'b', 'c', 'a'].map((subject) => `From: ${subject}@lab.test\r\nSubject: ${subject}\r\n\r\nbody\r\n`)

topic(
  'updated results',
  { mail },
  {
    'RFC 5267 section 4.3: SEARCH RETURN (UPDATE) follows flags, new and expunged messages': String.raw`${select}
    C: 1 SEARCH RETURN (UPDATE) FLAGGED
    S: * ESEARCH (TAG "1")
    S: 1 OK …
    C: 2 STORE 1,3:4 +FLAGS.SILENT \Flagged
    S: * ESEARCH (TAG "1") ADDTO (0 1,3:4)
    S: 2 OK …
    alice2 C: 3 SELECT INBOX
    ${selected(4, 0, { by: 'alice2' })}
    alice2 S: 3 OK …
    alice2 C: 4 UID STORE 3 FLAGS.SILENT (\Deleted)
    alice2 S: 4 OK …
    alice2 C: 5 UID STORE 1 +FLAGS.SILENT (\Deleted)
    alice2 S: 5 OK …
    alice2 C: 6 EXPUNGE
    alice2 S: * 3 EXPUNGE
    alice2 S: * 1 EXPUNGE
    alice2 S: 6 OK …
    alice2 C: 7 APPEND INBOX (\Flagged) {4+}
    alice2 C: abcd
    alice2 S: * 3 EXISTS
    alice2 S: * 1 RECENT
    alice2 S: 7 OK …
    C: 8 NOOP
    S: * ESEARCH (TAG "1") REMOVEFROM (0 1,3)
    S: * 3 EXPUNGE
    S: * 1 EXPUNGE
    S: * 3 EXISTS
    S: * 2 RECENT
    S: * ESEARCH (TAG "1") ADDTO (0 3)
    S: 8 OK …
    C: 9 CANCELUPDATE "1" "unknown"
    S: 9 OK …
    C: 10 STORE 1:3 FLAGS.SILENT ()
    S: 10 OK …`,
    'RFC 5267 section 4.3.3: UID SORT has positions': String.raw`${select}
    C: 1 UID SORT RETURN (UPDATE ALL COUNT) (SUBJECT) UTF-8 UNDELETED
    S: * ESEARCH (TAG "1") UID ALL 4,2:3,1 COUNT 4
    S: 1 OK …
    C: 2 STORE 2:3 +FLAGS.SILENT \Deleted
    S: * ESEARCH (TAG "1") UID REMOVEFROM (2 2:3)
    S: 2 OK …
    C: 3 STORE 3 -FLAGS.SILENT \Deleted
    S: * ESEARCH (TAG "1") UID ADDTO (2 3)
    S: 3 OK …
    C: 4 APPEND INBOX {16+}
    C: Subject: bb
    C: 
    C: x
    S: * 5 EXISTS
    S: * 5 RECENT
    S: * ESEARCH (TAG "1") UID ADDTO (2 5)
    S: 4 OK …
    C: 5 EXPUNGE
    S: * 2 EXPUNGE
    S: 5 OK …
    C: 6 STORE 1,4 +FLAGS.SILENT \Deleted
    S: * ESEARCH (TAG "1") UID REMOVEFROM (2 5 3 1)
    S: 6 OK …
    C: 7 STORE 3 +FLAGS.SILENT \Deleted
    S: * ESEARCH (TAG "1") UID REMOVEFROM (1 4)
    S: 7 OK …
    C: 8 STORE 1:4 -FLAGS.SILENT \Deleted
    S: * ESEARCH (TAG "1") UID ADDTO (2 1 1 4:5)
    S: 8 OK …`,
    'RFC 5267 section 4.3: the tag of an updated search cannot be used again': String.raw`${select}
    C: 1 UID SEARCH RETURN (UPDATE COUNT CONTEXT) ALL
    S: * ESEARCH (TAG "1") UID COUNT 4
    S: 1 OK …
    C: 1 SORT RETURN (UPDATE) (ARRIVAL) UTF-8 ALL
    S: 1 BAD …
    C: 1 SEARCH RETURN (COUNT) ALL
    S: * ESEARCH (TAG "1") COUNT 4
    S: 1 OK …
    C: 2 SEARCH RETURN (PARTIAL 1:2 PARTIAL 3:4) ALL
    S: 2 BAD …
    C: 3 SEARCH RETURN (CONTEXT PARTIAL 3:9) ALL
    S: * ESEARCH (TAG "3") PARTIAL (3:9 3:4)
    S: 3 OK …
    C: 4 CANCELUPDATE
    S: 4 BAD …
    C: 5 CANCELUPDATE "1"
    S: 5 OK …
    C: 1 SEARCH RETURN (UPDATE COUNT) SEEN
    S: * ESEARCH (TAG "1") COUNT 0
    S: 1 OK …
    C: 6 FETCH 2 BODY[TEXT]
    S: * 2 FETCH (BODY[TEXT] {6}
    S: body
    S:  FLAGS (\Seen \Recent))
    S: * ESEARCH (TAG "1") ADDTO (0 2)
    S: 6 OK …
    C: 7 UNSELECT
    S: 7 OK …${select.replace('4 RECENT', '0 RECENT')}
    C: 8 STORE 2 -FLAGS.SILENT \Seen
    S: 8 OK …`,
    'RFC 5267 section 4.3: sequence numbers in the search mean the messages of that moment': String.raw`${select}
    C: 1 SEARCH RETURN (UPDATE) 2:* NOT SEEN
    S: * ESEARCH (TAG "1")
    S: 1 OK …
    C: 2 STORE 1 +FLAGS.SILENT \Deleted
    S: 2 OK …
    C: 3 EXPUNGE
    S: * 1 EXPUNGE
    S: 3 OK …
    C: 4 STORE 1 +FLAGS.SILENT \Seen
    S: * ESEARCH (TAG "1") REMOVEFROM (0 1)
    S: 4 OK …
    C: 5 APPEND INBOX {4+}
    C: abcd
    S: * 4 EXISTS
    S: * 4 RECENT
    S: 5 OK …`,
    'RFC 5465 section 7: UPDATE with items to fetch of new messages': String.raw`${select}
    C: 1 SEARCH RETURN (COUNT UPDATE (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])) SUBJECT news
    S: * ESEARCH (TAG "1") COUNT 0
    S: 1 OK …
    bob C: 2 NOOP
    bob S: 2 OK …
    alice2 C: 3 APPEND INBOX {15+}
    alice2 C: Subject: news
    alice2 C: 
    alice2 S: 3 OK …
    alice2 C: 4 APPEND INBOX {16+}
    alice2 C: Subject: other
    alice2 C: 
    alice2 S: 4 OK …
    C: 5 NOOP
    S: * 6 EXISTS
    S: * 6 RECENT
    S: * 5 FETCH (UID 5 BODY[HEADER.FIELDS (SUBJECT)] {17}
    S: Subject: news
    S: 
    S: )
    S: * ESEARCH (TAG "1") ADDTO (0 5)
    S: 5 OK …`,
    'RFC 5267: results are updated during IDLE, and under QRESYNC': String.raw`${select}
    C: 1 ENABLE QRESYNC
    S: * ENABLED QRESYNC
    S: * OK [HIGHESTMODSEQ …
    S: 1 OK …
    C: 2 UID SEARCH RETURN (UPDATE) TEXT abc
    S: * ESEARCH (TAG "2") UID
    S: 2 OK …
    C: 3 IDLE
    S: + idling
    alice2 C: 4 APPEND INBOX {6+}
    alice2 C: 
    alice2 C: abcd
    alice2 S: 4 OK …
    S: * 5 EXISTS
    S: * 5 RECENT
    S: * ESEARCH (TAG "2") UID ADDTO (0 5)
    C: DONE
    S: 3 OK …
    C: 5 UID STORE 5 +FLAGS.SILENT \Deleted
    S: * 5 FETCH (UID 5 MODSEQ (…))
    S: 5 OK …
    C: 6 EXPUNGE
    S: * ESEARCH (TAG "2") UID REMOVEFROM (0 5)
    S: * VANISHED 5
    S: 6 OK …`,
  },
)

test('RFC 5267 section 4.3.1: the 17th result is not updated, but answered', async () => {
  await using lab = await startImapLab()
  await lab.put('alice', ...mail)
  using client = await connectBy('TLS', lab)
  client.send('a LOGIN alice secret\r\nb SELECT INBOX\r\n')
  await client.lines((line) => line.startsWith('b '))
  for (let n = 1; n <= 17; n++) client.send(`s${n} SEARCH RETURN (UPDATE COUNT) ALL\r\n`)
  const lines = await client.lines((line) => line.startsWith('s17 '))
  expect(lines.filter((line) => line.includes('COUNT 4'))).toHaveLength(17)
  expect(lines.filter((line) => line.includes('NOUPDATE'))).toEqual([
    '* NO [NOUPDATE "s17"] At most 16 results can be updated.',
  ])
  client.send('c STORE 1 +FLAGS.SILENT \\Deleted\r\nd EXPUNGE\r\n')
  const removed = (await client.lines((line) => line.startsWith('d '))).filter((line) => line.includes('REMOVEFROM'))
  expect(removed).toHaveLength(16)
})

import { selected, topic } from './support.ts'

const select = (exists: number): string => String.raw`
    C: s SELECT INBOX
    S: * FLAGS …
    S: * OK [PERM…
    S: * ${exists} EXISTS
    S: * ${exists} RECENT
    S: * OK [UNSEEN 1] …
    S: * OK [UIDVALIDITY «v»] …
    S: * OK [UIDNEXT …
    S: * OK [HIGHESTMODSEQ «m»] …
    S: * OK [MAILBOXID …
    S: s OK [READ-WRITE] …`

/** The same in another session, to which the messages are not recent. */
const selectAs = (name: string, exists: number): string =>
  select(exists)
    .replaceAll(/[CS]: /g, `${name} $&`)
    .replace(/\d RECENT/, '0 RECENT')
    .replaceAll('«m»', '…')

const three = [
  'From: <user-from (comment)@ (comment) lab.test>\r\nSubject: one\r\n\r\nfirst\r\n',
  'From: Bob <bob@lab.test>\r\nSubject: two\r\n\r\nsecond\r\n',
  'From: a (b) <c@lab.test>\r\nSubject: three\r\n\r\nthird\r\n',
]

topic(
  'CATENATE and SEARCH',
  { mail: three },
  {
    'RFC 5092 section 7: ;PARTIAL= in the URLs of CATENATE': String.raw`${select(3)}
    C: 1 APPEND Sent CATENATE (URL "/INBOX/;UID=2/;SECTION=TEXT/;PARTIAL=1.3" URL "/;UID=2/;SECTION=TEXT/;PARTIAL=4" TEXT {3+}
    C: end)
    S: 1 OK [APPENDUID …] …
    C: 2 APPEND Sent CATENATE (URL "/INBOX/;UID=2/;PARTIAL=100000.1" TEXT {4+}
    C: only)
    S: 2 OK [APPENDUID …] …
    C: 3 APPEND Sent CATENATE (URL "/INBOX/;UID=2/;PARTIAL=0.0")
    S: 3 NO [BADURL "/INBOX/;UID=2/;PARTIAL=0.0"] …
    C: 4 EXAMINE Sent
    S: * OK [CLOSED] …
    ${selected(2, 2)}
    S: 4 OK [READ-ONLY] …
    C: 5 FETCH 1:2 BODY.PEEK[]
    S: * 1 FETCH (BODY[] {10}
    S: econd
    S: end)
    S: * 2 FETCH (BODY[] {4}
    S: only)
    S: 5 OK …`,
    'RFC 9051 section 6.4.4: SEARCH FROM finds an address with comments inside it': String.raw`${select(3)}
    C: 1 SEARCH FROM user-from@lab.test
    S: * SEARCH 1
    S: 1 OK …
    C: 2 SEARCH FROM comment
    S: * SEARCH 1
    S: 2 OK …
    C: 3 SEARCH OR FROM c@lab.test FROM bob@
    S: * SEARCH 2 3
    S: 3 OK …`,
  },
)

const shown = (fields: string): string => `${fields}\r\nSubject: x\r\n\r\nx\r\n`
topic(
  'SORT=DISPLAY',
  {
    mail: [
      shown('From: =?utf-8?q?=C3=89ric?= <z@lab.test>\r\nTo: team: a@lab.test, b@lab.test;'),
      shown('From: "Anna" <y@lab.test>\r\nTo: zoe@lab.test'),
      shown('From: bob@lab.test\r\nTo: Carl <a@lab.test>, Anna <b@lab.test>'),
      shown('X-From: none'),
    ],
  },
  {
    'RFC 5957: DISPLAYFROM and DISPLAYTO sort by the name, else by the address': String.raw`
    C: 1 EXAMINE INBOX
    ${selected(4, 4)}
    S: 1 OK …
    C: 2 SORT (DISPLAYFROM) UTF-8 ALL
    S: * SORT 4 2 3 1
    S: 2 OK …
    C: 3 SORT (REVERSE DISPLAYTO) UTF-8 ALL
    S: * SORT 2 1 3 4
    S: 3 OK …`,
  },
)

topic(
  'CONDSTORE',
  { mail: three },
  {
    'RFC 7162 section 3.1: FETCH MODSEQ is told the HIGHESTMODSEQ once': String.raw`${select(3)}
    C: 1 FETCH 1 MODSEQ
    S: * OK [HIGHESTMODSEQ «m»] …
    S: * 1 FETCH (MODSEQ (…))
    S: 1 OK …
    C: 2 FETCH 1 MODSEQ
    S: * 1 FETCH (MODSEQ (…))
    S: 2 OK …`,
    'RFC 7162 section 3.1: STATUS, SEARCH, SORT, STORE and ENABLE are told it, too': String.raw`${select(3)}
    C: 1 STATUS Sent (HIGHESTMODSEQ)
    S: * OK [HIGHESTMODSEQ «m»] …
    S: * STATUS Sent (HIGHESTMODSEQ …)
    S: 1 OK …${selectAs('alice2', 3)}
    alice2 C: 2 SEARCH MODSEQ 1
    alice2 S: * OK [HIGHESTMODSEQ «m»] …
    alice2 S: * SEARCH 1 2 3 (MODSEQ …)
    alice2 S: 2 OK …${selectAs('alice3', 3)}
    alice3 C: 3 STORE 1 (UNCHANGEDSINCE 100000) +FLAGS.SILENT (\Flagged)
    alice3 S: * OK [HIGHESTMODSEQ «m»] …
    alice3 S: * 1 FETCH (MODSEQ (…))
    alice3 S: 3 OK …${selectAs('alice4', 3)}
    alice4 C: 4 ENABLE CONDSTORE
    alice4 S: * ENABLED CONDSTORE
    alice4 S: * OK [HIGHESTMODSEQ …] …
    alice4 S: 4 OK …${selectAs('alice5', 3)}
    alice5 C: 5 SORT (ARRIVAL) UTF-8 MODSEQ 1
    alice5 S: * OK [HIGHESTMODSEQ …] …
    alice5 S: * SORT 1 2 3 (MODSEQ …)
    alice5 S: 5 OK …`,
    'RFC 7162 section 3.2.4: STORE by sequence number shows the UID under QRESYNC only': String.raw`${select(3)}
    C: 1 ENABLE CONDSTORE
    S: * ENABLED CONDSTORE
    S: * OK [HIGHESTMODSEQ …
    S: 1 OK …
    C: 2 STORE 1 +FLAGS (\Flagged)
    S: * 1 FETCH (FLAGS (\Flagged \Recent) MODSEQ (…))
    S: 2 OK …
    C: 3 ENABLE QRESYNC
    S: * ENABLED QRESYNC
    S: 3 OK …
    C: 4 STORE 1 -FLAGS (\Flagged)
    S: * 1 FETCH (UID 1 FLAGS (\Recent) MODSEQ (…))
    S: 4 OK …
    C: 5 CLOSE
    S: 5 OK CLOSE completed`,
  },
)

topic(
  'mailbox names',
  {},
  {
    'RFC 9051 sections 6.3.4 and 6.3.6: CREATE and RENAME create the superior names': String.raw`
    C: 1 CREATE a/b/c
    S: 1 OK …
    C: 2 RENAME Sent a
    S: 2 NO [ALREADYEXISTS] …
    C: 3 DELETE a/b/c
    S: 3 OK …
    C: 4 DELETE a/b
    S: 4 OK …
    C: 5 LIST "" a*
    S: * LIST (\HasNoChildren) "/" a
    S: 5 OK …
    C: 6 RENAME a x/y/z
    S: 6 OK …
    C: 7 LIST "" x*
    S: * LIST (\HasChildren) "/" x
    S: * LIST (\HasChildren) "/" x/y
    S: * LIST (\HasNoChildren) "/" x/y/z
    S: 7 OK …
    C: 8 STATUS x/y (MESSAGES)
    S: * STATUS x/y (MESSAGES 0)
    S: 8 OK …
    C: 9 RENAME x Sent
    S: 9 NO [ALREADYEXISTS] …
    C: 10 RENAME nowhere new/name
    S: 10 NO [NONEXISTENT] …
    C: 11 LIST "" new*
    S: 11 OK …
    C: 12 RENAME INBOX p/q
    S: 12 OK …
    C: 13 LIST "" p
    S: * LIST (\HasChildren) "/" p
    S: 13 OK …`,
    'RFC 5258 sections 3.3 to 3.5: attributes and CHILDINFO of extended LIST': String.raw`
    C: 1 CREATE a/b
    S: 1 OK …
    C: 2 SUBSCRIBE a/b
    S: 2 OK …
    C: 3 CREATE gone
    S: 3 OK …
    C: 4 SUBSCRIBE gone
    S: 4 OK …
    C: 5 DELETE gone
    S: 5 OK …
    C: 6 LIST (SUBSCRIBED) "" g*
    S: * LIST (\Subscribed \NonExistent \HasNoChildren) "/" gone
    S: 6 OK …
    C: 7 LIST (SUBSCRIBED RECURSIVEMATCH) "" (a a/b)
    S: * LIST (\Subscribed \HasNoChildren) "/" a/b
    S: 7 OK …
    C: 8 LIST (SUBSCRIBED RECURSIVEMATCH) "" a*
    S: * LIST (\Subscribed \HasNoChildren) "/" a/b
    S: 8 OK …
    C: 9 SUBSCRIBE a
    S: 9 OK …
    C: 10 LIST (SUBSCRIBED RECURSIVEMATCH) "" a*
    S: * LIST (\Subscribed \HasChildren) "/" a ("CHILDINFO" ("SUBSCRIBED"))
    S: * LIST (\Subscribed \HasNoChildren) "/" a/b
    S: 10 OK …
    C: 11 LIST (SUBSCRIBED) "" a
    S: * LIST (\Subscribed \HasChildren) "/" a
    S: 11 OK …`,
    'RFC 9051 section 6.3.7: SUBSCRIBE to a mailbox that never existed, that is a level, and that is gone': String.raw`
    C: 1 SUBSCRIBE nowhere
    S: 1 NO [NONEXISTENT] …
    C: 2 CREATE a/b
    S: 2 OK …
    C: 3 DELETE a
    S: 3 OK …
    C: 4 SUBSCRIBE a
    S: 4 OK …
    C: 5 SUBSCRIBE a/b
    S: 5 OK …
    C: 6 DELETE a/b
    S: 6 OK …
    C: 7 SUBSCRIBE a/b
    S: 7 OK …
    C: 8 UNSUBSCRIBE a/b
    S: 8 OK …
    C: 9 SUBSCRIBE a/b
    S: 9 NO [NONEXISTENT] …
    C: 10 UNSUBSCRIBE nowhere
    S: 10 OK …
    C: 11 SUBSCRIBE "Public Folders"
    S: 11 NO [NONEXISTENT] …`,
    'RFC 9208 section 4.1.2: GETQUOTAROOT of a mailbox that does not exist, and of one without limits': String.raw`
    C: 1 GETQUOTAROOT nowhere
    S: * QUOTAROOT nowhere
    S: 1 OK …
    C: 2 GETQUOTA ""
    S: 2 NO [NONEXISTENT] …
    C: 3 SETQUOTA "" (MESSAGE 10)
    S: * QUOTA "" (MESSAGE 0 10)
    S: 3 OK …
    C: 4 GETQUOTAROOT nowhere
    S: * QUOTAROOT nowhere ""
    S: * QUOTA "" (MESSAGE 0 10)
    S: 4 OK …
    C: 5 GETQUOTAROOT "Public Folders/nowhere"
    S: * QUOTAROOT "Public Folders/nowhere"
    S: 5 OK …
    C: 6 GETQUOTA ""
    S: * QUOTA "" (MESSAGE 0 10)
    S: 6 OK …
    C: 7 SETQUOTA "" ()
    S: 7 OK …
    C: 8 GETQUOTAROOT INBOX
    S: * QUOTAROOT INBOX
    S: 8 OK …`,
    'RFC 2971: ID with spaces inside the parentheses': String.raw`
    C: 1 ID ( "name" "x" "version" NIL )
    S: * ID …
    S: 1 OK …
    C: 2 ID ( )
    S: * ID …
    S: 2 OK …
    C: 3 ID ("name" "x"  "version" "1")
    S: 3 BAD …
    C: 4 ID ("name")
    S: 4 BAD …`,
  },
)

topic(
  'expunged messages',
  { mail: three },
  {
    'RFC 2180 section 4.2: STORE changes the messages that remain and answers OK': String.raw`${select(3)}${selectAs('alice2', 3)}
    C: 1 UID MOVE 1:2 Sent
    S: * OK [COPYUID …
    S: * 2 EXPUNGE
    S: * 1 EXPUNGE
    S: 1 OK …
    alice2 C: 2 STORE 1:3 +FLAGS (\Flagged)
    alice2 S: * 3 FETCH (FLAGS (\Flagged))
    alice2 S: 2 OK [EXPUNGEISSUED] …
    alice2 C: 3 STORE 1 +FLAGS (\Flagged)
    alice2 S: 3 OK [EXPUNGEISSUED] …
    alice2 C: 4 STORE 2 +FLAGS.SILENT (\Flagged)
    alice2 S: 4 OK [EXPUNGEISSUED] …
    alice2 C: 4a FETCH 1:2 BODY.PEEK[]
    alice2 S: 4a NO [EXPUNGEISSUED] …
    alice2 C: 5 NOOP
    alice2 S: * 2 EXPUNGE
    alice2 S: * 1 EXPUNGE
    alice2 S: 5 OK …`,
    'RFC 9051 section 6.4.9: UID FETCH, UID COPY and UID MOVE ignore expunged messages': String.raw`${select(3)}${[
      'FETCH 1 BODY.PEEK[]',
      'COPY 2 Sent',
      'MOVE 3 Sent',
    ]
      .map(
        (command, i) => String.raw`${selectAs('alice2', 3 - i)}
    C: a${i} STORE 1 +FLAGS.SILENT (\Deleted)
    S: a${i} OK …
    C: b${i} EXPUNGE
    S: * 1 EXPUNGE
    S: b${i} OK …
    alice2 C: c${i} UID ${command}
    alice2 S: * 1 EXPUNGE
    alice2 S: c${i} OK …
    alice2 C: d${i} UNSELECT
    alice2 S: d${i} OK …`,
      )
      .join('')}`,
  },
)

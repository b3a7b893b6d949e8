import { selected, topic } from './support.ts'

const nested = [
  'From: Alice <alice@lab.test>',
  'Subject: nested',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=b',
  '',
  '--b',
  'Content-Type: text/plain',
  '',
  'plain',
  '--b',
  'Content-Type: message/rfc822',
  '',
  'Subject: inner',
  'Content-Type: multipart/alternative; boundary=c',
  '',
  '--c',
  '',
  'inner text',
  '--c--',
  '--b--',
  '',
].join('\r\n')
const encoded = [
  'Subject: encoded',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Transfer-Encoding: base64',
  '',
  'aGVsbG8Ad29ybGQ=',
  '',
].join('\r\n')

topic(
  'fetching',
  { mail: [nested, encoded] },
  {
    'RFC 9051 section 6.4.5: sections': String.raw`
    C: 1 EXAMINE INBOX
    S: * FLAGS …
    S: * OK [PERMANENTFLAGS ()] …
    S: * 2 EXISTS
    S: * 2 RECENT
    S: * OK [UNSEEN 1] …
    S: * OK [UIDVALIDITY …
    S: * OK [UIDNEXT 3] …
    S: * OK [HIGHESTMODSEQ …
    S: * OK [MAILBOXID …
    S: 1 OK [READ-ONLY] …
    C: 2 FETCH 1 (BODY[1] BODY[1.MIME] BODY[2.HEADER] BODY[2.1] BODY[2.1.MIME] BODY[3])
    S: * 1 FETCH (BODY[1] {5}
    S: plain BODY[1.MIME] {28}
    S: Content-Type: text/plain
    S: 
    S:  BODY[2.HEADER] {67}
    S: Subject: inner
    S: Content-Type: multipart/alternative; boundary=c
    S: 
    S:  BODY[2.1] {10}
    S: inner text BODY[2.1.MIME] {2}
    S: 
    S:  BODY[3] NIL)
    S: 2 OK …
    C: 3 FETCH 1 (BODY[HEADER.FIELDS (SUBJECT x-none From)] BODY.PEEK[HEADER.FIELDS.NOT (from subject "Content-Type")])
    S: * 1 FETCH (BODY[HEADER.FIELDS (SUBJECT x-none From)] {49}
    S: From: Alice <alice@lab.test>
    S: Subject: nested
    S: 
    S:  BODY[HEADER.FIELDS.NOT (from subject Content-Type)] {21}
    S: MIME-Version: 1.0
    S: 
    S: )
    S: 3 OK …
    C: 4 FETCH 1 (BODY[]<0.4> BODY[]<6.5> BODY[]<9999.5> BODY.PEEK[TEXT]<0.3>)
    S: * 1 FETCH (BODY[]<0> {4}
    S: From BODY[]<6> {5}
    S: Alice BODY[]<9999> {0}
    S:  BODY[TEXT]<0> {3}
    S: --b)
    S: 4 OK …
    C: 5 FETCH 1 (BODY[0])
    S: 5 BAD …
    C: 6 FETCH 1 (BODY[MIME])
    S: 6 BAD …
    C: 7 FETCH 1 (BODY[]<0.0>)
    S: 7 BAD …
    C: 8 FETCH 3 FLAGS
    S: 8 BAD …
    C: 9 UID FETCH 3 FLAGS
    S: 9 OK …
    C: 10 UID FETCH 3:* FLAGS
    S: * 2 FETCH (UID 2 FLAGS (\Recent))
    S: 10 OK …`,
    'RFC 9051 section 6.4.5: reading a body marks the message as seen': String.raw`
    C: 1 SELECT INBOX
    ${selected(2, 2)}
    S: 1 OK [READ-WRITE] …
    C: 2 FETCH 2 BODY.PEEK[HEADER.FIELDS (Subject)]
    S: * 2 FETCH (BODY[HEADER.FIELDS (Subject)] {20}
    S: Subject: encoded
    S: …
    S: )
    S: 2 OK …
    C: 3 FETCH 2 RFC822.HEADER
    S: * 2 FETCH (RFC822.HEADER {…}
    S: Subject: encoded
    S: …
    S: …
    S: …
    S: )
    S: 3 OK …
    C: 4 FETCH 2 RFC822.TEXT
    S: * 2 FETCH (RFC822.TEXT {18}
    S: aGVsbG8Ad29ybGQ=
    S:  FLAGS (\Seen \Recent))
    S: 4 OK …
    C: 5 FETCH 2 (FLAGS BODY[TEXT])
    S: * 2 FETCH (FLAGS (\Seen \Recent) BODY[TEXT] {18}
    S: aGVsbG8Ad29ybGQ=
    S: )
    S: 5 OK …`,
    'RFC 3516: BINARY': String.raw`
    C: 1 EXAMINE INBOX
    ${selected(2, 2)}
    S: 1 OK …
    C: 2 FETCH 2 (BINARY.SIZE[1] BINARY.PEEK[1] BINARY[1]<0.5>)
    S: * 2 FETCH (BINARY.SIZE[1] 11 BINARY[1] ~{11}
    S: hello\x00world BINARY[1]<0> {5}
    S: hello)
    S: 2 OK …`,
    'RFC 9051 section 7.5.2: BODYSTRUCTURE, macros and simple items': String.raw`
    C: 1 EXAMINE INBOX
    ${selected(2, 2)}
    S: 1 OK …
    C: 2 FETCH 2 (BODY BODYSTRUCTURE)
    S: * 2 FETCH (BODY ("text" "plain" ("charset" "utf-8") NIL NIL "base64" 18 1) BODYSTRUCTURE ("text" "plain" ("charset" "utf-8") NIL NIL "base64" 18 1 NIL NIL NIL NIL))
    S: 2 OK …
    C: 3 FETCH 2 FAST
    S: * 2 FETCH (FLAGS (\Recent) INTERNALDATE "…" RFC822.SIZE …)
    S: 3 OK …
    C: 4 FETCH 1 ALL
    S: * 1 FETCH (FLAGS (\Recent) INTERNALDATE "…" RFC822.SIZE … ENVELOPE (NIL "nested" (("Alice" NIL "alice" "lab.test")) (("Alice" NIL "alice" "lab.test")) (("Alice" NIL "alice" "lab.test")) NIL NIL NIL NIL NIL))
    S: 4 OK …
    C: 5 FETCH 1:2 (EMAILID THREADID SAVEDATE PREVIEW)
    S: * 1 FETCH (EMAILID (…) THREADID (T…) SAVEDATE "…" PREVIEW "plain")
    S: * 2 FETCH (EMAILID (…) THREADID (T…) SAVEDATE "…" PREVIEW "hello world")
    S: 5 OK …
    C: 6 FETCH 1 (PREVIEW (LAZY))
    S: * 1 FETCH (PREVIEW "plain")
    S: 6 OK …
    C: 7 FETCH 1 (FLAGS
    S: 7 BAD …
    C: 8 FETCH 1 (NONSENSE)
    S: 8 BAD …`,
  },
)

topic(
  'appending',
  {},
  {
    'RFC 9051 section 6.3.12: APPEND': String.raw`
    C: 1 APPEND nowhere {3+}
    C: abc
    S: 1 NO [TRYCREATE] …
    C: 2 APPEND INBOX (\Seen $Label) "17-Jul-1996 02:44:25 -0700" {14}
    S: + …
    C: Subject: one
    C: 
    S: 2 OK [APPENDUID … 1] …
    C: 3 APPEND INBOX (\Recent) {3+}
    C: abc
    S: 3 BAD …
    C: 4 APPEND INBOX {0+}
    C: 
    S: 4 NO …
    C: 5 SELECT INBOX
    S: * FLAGS (… $Label)
    S: * OK [PERM…
    S: * 1 EXISTS
    S: * 1 RECENT
    S: * OK [UIDV…
    S: * OK [UIDN…
    S: * OK [HIGH…
    S: * OK [MAIL…
    S: 5 OK …
    C: 6 FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE)
    S: * 1 FETCH (FLAGS (\Seen $Label \Recent) INTERNALDATE "17-Jul-1996 09:44:25 +0000" RFC822.SIZE 14)
    S: 6 OK …
    C: 7 APPEND INBOX {3+}
    C: abc
    S: * 2 EXISTS
    S: * 2 RECENT
    S: 7 OK [APPENDUID … 2] …`,
    'RFC 3502: several messages are stored all or none': String.raw`
    C: 1 APPEND INBOX (\Seen) {3+}
    C: abc "17-Jul-1996 02:44:25 -0700" {4+}
    C: abcd
    S: 1 OK [APPENDUID … 1:2] …
    C: 2 APPEND INBOX {3+}
    C: abc {0+}
    C: 
    S: 2 NO …
    C: 3 STATUS INBOX (MESSAGES SIZE)
    S: * STATUS INBOX (MESSAGES 2 SIZE 7)
    S: 3 OK …`,
    'RFC 9208 section 4.3.3: messages that exceed the quota only together are all refused': String.raw`
    C: 1 APPEND INBOX {3+}
    C: abc
    S: 1 OK …
    C: 2 SETQUOTA "" (MESSAGE 2)
    S: * QUOTA "" (MESSAGE 1 2)
    S: 2 OK …
    C: 3 APPEND INBOX {3+}
    C: abc {3+}
    C: abc
    S: 3 NO [OVERQUOTA] …
    C: 4 SETQUOTA "" (STORAGE 1)
    S: * QUOTA "" (STORAGE 1 1)
    S: 4 OK …
    C: 5 APPEND INBOX {600+}
    C: ${'x'.repeat(600)} {600+}
    C: ${'x'.repeat(600)}
    S: 5 NO [OVERQUOTA] …
    C: 6 STATUS INBOX (MESSAGES)
    S: * STATUS INBOX (MESSAGES 1)
    S: 6 OK …
    C: 7 APPEND INBOX {600+}
    C: ${'x'.repeat(600)}
    S: 7 OK …`,
    'RFC 4469: CATENATE': String.raw`
    C: 1 APPEND INBOX {20+}
    C: Subject: x
    C: 
    C: body
    C: 
    S: 1 OK [APPENDUID «v» 1] …
    C: 2 APPEND Drafts CATENATE (TEXT {14+}
    C: Subject: new
    C:  URL "/INBOX;UIDVALIDITY=«v»/;UID=1/;SECTION=TEXT" TEXT {3+}
    C: end)
    S: 2 OK …
    C: 3 APPEND Drafts CATENATE (URL "/INBOX/;UID=9")
    S: 3 NO [BADURL "/INBOX/;UID=9"] …
    C: 4 STATUS Drafts (MESSAGES)
    S: * STATUS Drafts (MESSAGES 1)
    S: 4 OK …`,
    'RFC 9051 section 4.3: NUL and literal8': String.raw`
    C: 1 APPEND INBOX {3+}
    C: a\x00b
    S: 1 NO …
    C: 2 APPEND INBOX ~{3+}
    C: a\x00b
    S: 2 OK …
    C: 3 EXAMINE INBOX
    ${selected(1, 1)}
    S: 3 OK …
    C: 4 FETCH 1 (BODY.PEEK[] BINARY.PEEK[])
    S: * 1 FETCH (BODY[] {3}
    S: a\x80b BINARY[] ~{3}
    S: a\x00b)
    S: 4 OK …`,
  },
)

topic(
  'HTML messages',
  {
    mail: [
      'Content-Type: text/html; charset=utf-8\r\n\r\n<title>no</title><p>A &lt;b&gt;&amp;&nbsp;5 &#8364;</p><br><div>next</div>\r\n',
      `Content-Type: text/html\r\n\r\n<b>${'word '.repeat(100)}</b>\r\n`,
    ],
  },
  {
    'RFC 8970: PREVIEW shows the text without tags, at most 200 characters': String.raw`
    C: 1 EXAMINE INBOX
    ${selected(2, 2)}
    S: 1 OK …
    C: 2 FETCH 1:2 PREVIEW
    S: * 1 FETCH (PREVIEW {17}
    S: A <b>& 5 \xe2\x82\xac next)
    S: * 2 FETCH (PREVIEW "${'word '.repeat(40)}")
    S: 2 OK …`,
  },
)

/** The commands of Outlook Express 6, and what it requires in the responses. */
topic(
  'Outlook Express',
  { mail: [nested] },
  {
    'header sync: field names in its case and order': String.raw`
    C: 1 EXAMINE INBOX
    ${selected(1, 1)}
    S: 1 OK …
    C: 2 UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (References X-Ref X-Priority X-MSMail-Priority X-MSOESRec Newsgroups)] ENVELOPE RFC822.SIZE UID FLAGS INTERNALDATE)
    S: * 1 FETCH (BODY[HEADER.FIELDS (References X-Ref X-Priority X-MSMail-Priority X-MSOESRec Newsgroups)] {2}
    S: 
    S:  ENVELOPE (NIL "nested" …) RFC822.SIZE … UID 1 FLAGS (\Recent) INTERNALDATE "…")
    S: 2 OK …`,
    'copy of a sent message: TRYCREATE before the literal, then CREATE, then APPEND': String.raw`
    C: 1 APPEND "Sent Items" (\Seen) {3}
    S: 1 NO [TRYCREATE] …
    C: 2 CREATE "Sent Items"
    S: 2 OK …
    C: 3 APPEND "Sent Items" (\Seen) {3}
    S: + …
    C: abc
    S: 3 OK [APPENDUID … 1] …`,
    'an exceeded quota is reported before the client sends the literal': String.raw`
    C: 1 SETQUOTA "" (MESSAGE 1)
    S: * QUOTA "" (MESSAGE 1 1)
    S: 1 OK …
    C: 2 APPEND Drafts {3}
    S: 2 NO [OVERQUOTA] …`,
  },
)

topic(
  'limits',
  { lab: { limits: { messageSize: 100 } } },
  {
    'RFC 7889: APPENDLIMIT, with synchronizing and non-synchronizing literals': String.raw`
    anon C: 1 CAPABILITY
    anon S: * CAPABILITY …APPENDLIMIT=100…
    anon S: 1 OK …
    C: 2 APPEND INBOX {101}
    S: 2 NO [TOOBIG] …
    C: 3 APPEND INBOX {101+}
    C: ${'x'.repeat(101)}
    S: 3 NO [TOOBIG] …
    C: 4 STATUS INBOX (APPENDLIMIT MESSAGES)
    S: * STATUS INBOX (APPENDLIMIT 100 MESSAGES 0)
    S: 4 OK …
    C: 5 SELECT {70000}
    S: 5 BAD [TOOBIG] …
    C: 6 APPEND INBOX CATENATE (TEXT {60+}
    C: ${'x'.repeat(60)} TEXT {60+}
    C: ${'x'.repeat(60)})
    S: 6 NO [TOOBIG] …
    C: 7 NOOP
    S: 7 OK …`,
    'RFC 9051 section 7.1.5: a literal with a count of any length closes the connection if it was sent': String.raw`
    C: 1 APPEND INBOX {99999999999}
    S: 1 NO [TOOBIG] …
    C: 2 LOGIN {${'9'.repeat(400)}}
    S: 2 BAD …
    C: 3 APPEND INBOX {99999999999+}
    C: 4 CREATE forged
    S: * BYE [TOOBIG] …
    S: (end)
    alice2 C: 1 APPEND INBOX ~{00000000000000000003}
    alice2 S: + OK
    alice2 C: abc
    alice2 S: 1 OK …
    alice2 C: 2 LIST "" forged
    alice2 S: 2 OK …
    anon C: 1 LOGIN {${'9'.repeat(400)}+}
    anon C: 2 LOGIN alice secret
    anon S: * BYE [TOOBIG] …
    anon S: (end)`,
    'RFC 9051 section 7.1.5: a line that is too long closes the connection if a literal follows': String.raw`
    C: 1 NOOP ${'x'.repeat(70_000)} {5}
    S: * BAD [TOOBIG] …
    C: 2 APPEND INBOX (${'x'.repeat(70_000)}) ~{17+}
    C: 3 CREATE forged
    C: 4 NOOP
    S: * BYE [TOOBIG] …
    S: (end)
    alice2 C: 1 LIST "" forged
    alice2 S: 1 OK …`,
    'RFC 9051 section 4: a line that is too long': String.raw`
    C: 1 NOOP ${'x'.repeat(70_000)}
    S: * BAD [TOOBIG] …
    C: 2 NOOP
    S: 2 OK …`,
  },
)

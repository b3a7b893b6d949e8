import type { Protocol } from '../../src/testing/index.ts'

export type FuzzedProtocol = Protocol | 'lmtp' | 'managesieve'

/** The commands that lead a session into a state, and the commands to send there. */
interface FuzzState {
  readonly name: string
  readonly lead: readonly string[]
  /** Sent in mutated form. */
  readonly words: readonly string[]
}

const message = 'From: a@lab.test\r\nTo: bob@lab.test\r\nSubject: fuzz\r\n\r\n.dot\r\nbody\r\n'
const article = `Newsgroups: lab.general\r\nMessage-ID: <fuzz@lab.test>\r\n${message}`
const alice = Buffer.from('\0alice\0secret').toString('base64')
/** A NEGOTIATE_MESSAGE and an AUTHENTICATE_MESSAGE of NTLM, of MS-NLMP section 4.2.2. */
const ntlm = [
  'TlRMTVNTUAABAAAABYIIAAAAAAAAAAAAAAAAAAAAAAA=',
  'TlRMTVNTUAADAAAAGAAYAGwAAAAYABgAhAAAAAwADABIAAAACAAIAFQAAAAQABAAXAAAABAAEACcAAAANYKA4gUBKAoAAAAPRABvAG0AYQBpAG4AVQBzAGUAcgBDAE8ATQBQAFUAVABFAFIAmN73uH+Iql2v4t93loihct7xHH1cze8TZ8QwEfMCmKKtNezmTxYzHES9vtknhB+UUYgisbPzUMiVhoLsuz48tw==',
]

const imapAny = [
  'a CAPABILITY',
  'a NOOP',
  'a ID ("name" "fuzz")',
  'a ID NIL',
  'a LOGOUT',
  'a ENABLE CONDSTORE QRESYNC IMAP4rev2',
]
const imapMailbox = [
  'a SELECT INBOX',
  'a EXAMINE "INBOX" (CONDSTORE)',
  'a LIST "" "*"',
  'a LIST (SUBSCRIBED) "" ("a%" "b*") RETURN (STATUS (MESSAGES UIDNEXT))',
  'a STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ SIZE)',
  'a CREATE box/&AOk-/sub',
  'a RENAME box/&AOk- box2',
  'a DELETE box2',
  'a SUBSCRIBE x',
  'a NOTIFY SET STATUS (SELECTED-DELAYED (MessageNew (UID) MessageExpunge)) (SUBTREE x (MailboxName))',
  'a UNSUBSCRIBE x',
  'a NAMESPACE',
  'a GETQUOTAROOT INBOX',
  'a SETMETADATA INBOX (/private/comment "x" /shared/comment NIL)',
  'a GETMETADATA (MAXSIZE 10 DEPTH infinity) INBOX (/private /shared/comment)',
  'a LIST "" * RETURN (METADATA (/private/comment) MYRIGHTS)',
  'a SETACL INBOX bob +lrs',
  'a GETACL INBOX',
  'a LISTRIGHTS INBOX -anyone',
  'a SELECT "Other Users/alice/INBOX"',
  'a GENURLAUTH imap://alice@localhost/INBOX/;UID=1/;SECTION=1;URLAUTH=authuser INTERNAL',
  'a URLFETCH (imap://alice@localhost/INBOX/;UID=1;URLAUTH=authuser:internal:01234567890123456789012345678901 BINARY)',
  'a RESETKEY INBOX INTERNAL',
  `a APPEND INBOX (\\Seen) "01-Jan-2026 00:00:00 +0000" {${message.length}+}\r\n${message}`,
  `a APPEND INBOX {${message.length}}\r\n${message}`,
  'a IDLE\r\nDONE',
  'a LSUB "" %',
]
const imapSelected = [
  'a FETCH 1:* (FLAGS UID RFC822.SIZE INTERNALDATE ENVELOPE BODYSTRUCTURE)',
  'a FETCH 1 BODY.PEEK[HEADER.FIELDS (Subject From)]<0.100>',
  'a FETCH 1 BODY[1.2.MIME]',
  'a FETCH 1:* (EMAILID THREADID)',
  'a SEARCH THREADID T1 UIDAFTER 1 UIDBEFORE 9',
  'a UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)',
  'a STORE 1:* +FLAGS.SILENT (\\Deleted $x)',
  'a UID STORE 1 (UNCHANGEDSINCE 1) FLAGS (\\Seen)',
  'a SEARCH RETURN (MIN MAX ALL COUNT) OR NOT SEEN (FROM "a" BODY {3+}\r\nabc) SINCE 1-Jan-2020',
  'a UID SEARCH CHARSET UTF-8 TEXT "x"',
  'a SORT (REVERSE DATE SUBJECT) UTF-8 ALL',
  'a THREAD REFERENCES UTF-8 ALL',
  'a COPY 1:2 Trash',
  'a MOVE 1 Trash',
  'a EXPUNGE',
  'a UID EXPUNGE 1:5',
  'a CLOSE',
  'a UNSELECT',
  'a CHECK',
]

const sieveAny = ['CAPABILITY', 'NOOP', 'NOOP "tag"', 'NOOP {5+}\r\nt\r\nag', 'LOGOUT x', 'NONSENSE "a" 1']
const sieve = `require ["fileinto", "variables", "vacation"];\r\nif anyof (header :matches "subject" "*x*", size :over 1K) { fileinto "\${1}"; }\r\n/* * */ vacation :days 7 text:\r\n..away\r\n.\r\n;\r\n`

const smtpStates: readonly FuzzState[] = [
  {
    name: 'before EHLO',
    lead: [],
    words: [
      'EHLO me',
      'HELO me',
      'NOOP',
      'HELP',
      'VRFY bob',
      'EXPN x',
      'STARTTLS x',
      'AUTH PLAIN',
      'MAIL FROM:<a@b>',
      'QUIT x',
    ],
  },
  {
    name: 'after EHLO',
    lead: ['EHLO me'],
    words: [
      `AUTH PLAIN ${alice}`,
      'AUTH LOGIN\r\nYWxpY2U=\r\nc2VjcmV0',
      'AUTH SCRAM-SHA-256 biwsbj1hbGljZSxyPWFiYw==',
      `AUTH NTLM ${ntlm.join('\r\n')}`,
      'MAIL FROM:<a@b.c> SIZE=100 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=x',
      'MAIL FROM:<>',
      'RSET',
    ],
  },
  {
    name: 'in a transaction',
    lead: ['EHLO me', 'MAIL FROM:<a@b.c>'],
    words: [
      'RCPT TO:<bob@lab.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;bob@lab.test',
      'RCPT TO:<"a b"@[127.0.0.1]>',
      'RCPT TO:<@x,@y:bob@lab.test>',
      'DATA',
      'BDAT 10\r\n1234567890',
      'RSET',
    ],
  },
  {
    name: 'in DATA',
    lead: ['EHLO me', 'MAIL FROM:<a@b.c>', 'RCPT TO:<bob@lab.test>', 'DATA'],
    words: [message, `${message}.`, '.', '..x', '\n.\n', '\r.\r'],
  },
  {
    name: 'in BDAT',
    lead: ['EHLO me', 'MAIL FROM:<a@b.c>', 'RCPT TO:<bob@lab.test>'],
    words: [`BDAT ${message.length}\r\n${message}`, 'BDAT 0 LAST', 'BDAT 5 LAST\r\nabcde', 'BDAT x'],
  },
]

const toLhlo = (word: string): string => word.replace(/^EHLO/, 'LHLO')

/** Every state of every protocol. */
export const fuzzStates: Readonly<Record<FuzzedProtocol, readonly FuzzState[]>> = {
  smtp: smtpStates,
  // RFC 2033
  lmtp: smtpStates.map(({ name, lead, words }) => ({ name, lead: lead.map(toLhlo), words: words.map(toLhlo) })),
  pop3: [
    {
      name: 'authorization',
      lead: [],
      words: [
        'CAPA',
        'USER alice',
        'PASS secret',
        'APOP alice 0123456789abcdef0123456789abcdef',
        'AUTH',
        `AUTH PLAIN ${alice}`,
        'AUTH LOGIN\r\nYWxpY2U=\r\nc2VjcmV0',
        `AUTH NTLM\r\n${ntlm.join('\r\n')}`,
        'STLS x',
        'QUIT x',
      ],
    },
    {
      name: 'transaction',
      lead: ['USER alice', 'PASS secret'],
      words: [
        'STAT',
        'LIST',
        'LIST 1',
        'UIDL',
        'UIDL 1',
        'RETR 1',
        'TOP 1 0',
        'TOP 1 99999999999',
        'DELE 1',
        'RSET',
        'NOOP',
        'CAPA',
      ],
    },
  ],
  imap4: [
    {
      name: 'not authenticated',
      lead: [],
      words: [
        ...imapAny,
        'a LOGIN alice secret',
        'a LOGIN {5+}\r\nalice {6+}\r\nsecret',
        `a AUTHENTICATE PLAIN ${alice}`,
        'a AUTHENTICATE LOGIN\r\nYWxpY2U=\r\nc2VjcmV0',
        `a AUTHENTICATE NTLM ${ntlm.join('\r\n')}`,
        'a STARTTLS x',
      ],
    },
    { name: 'authenticated', lead: ['a LOGIN alice secret'], words: [...imapAny, ...imapMailbox] },
    {
      name: 'selected',
      lead: ['a LOGIN alice secret', 'a SELECT INBOX'],
      words: [...imapAny, ...imapMailbox, ...imapSelected],
    },
  ],
  nntp: [
    {
      name: 'no group',
      lead: [],
      words: [
        'CAPABILITIES',
        'MODE READER',
        'LIST',
        'LIST ACTIVE lab.*',
        'LIST OVERVIEW.FMT',
        'LIST HEADERS MSGID',
        'NEWGROUPS 20200101 000000 GMT',
        'NEWNEWS lab.*,!x 700101 000000',
        'DATE',
        'HELP',
        'AUTHINFO USER alice',
        'AUTHINFO PASS secret',
        `AUTHINFO SASL PLAIN ${alice}`,
        `AUTHINFO GENERIC NTLM\r\n${ntlm.map((message) => `AUTHINFO GENERIC ${message}`).join('\r\n')}`,
        'STARTTLS x',
        'XGTITLE *',
        'MODE STREAM',
        'CHECK <x@y>',
        'ARTICLE <fuzz@lab.test>',
      ],
    },
    {
      name: 'in a group',
      lead: ['GROUP lab.general'],
      words: [
        'ARTICLE',
        'HEAD 1',
        'BODY 1',
        'STAT 1',
        'NEXT',
        'LAST',
        'OVER 1-',
        'XOVER 1-10',
        'HDR Subject 1-',
        'XHDR from 1-5',
        'XPAT subject 1- *x*',
        'LISTGROUP lab.general 1-5',
        'GROUP x',
      ],
    },
    {
      name: 'posting',
      lead: ['POST'],
      words: [
        article,
        `${article}.`,
        `${article}\r\n.`,
        '.',
        'Newsgroups:\r\n\r\n.',
        'Control: cancel <fuzz@lab.test>\r\n\r\n.',
      ],
    },
    {
      name: 'feeding',
      lead: ['MODE STREAM'],
      words: [`TAKETHIS <fuzz2@lab.test>\r\n${article}.`, 'IHAVE <fuzz3@lab.test>', `${article}.`],
    },
  ],
  managesieve: [
    {
      name: 'not authenticated',
      lead: [],
      words: [
        ...sieveAny,
        `AUTHENTICATE "PLAIN" "${alice}"`,
        `AUTHENTICATE {5+}\r\nPLAIN {${alice.length}+}\r\n${alice}`,
        'AUTHENTICATE "LOGIN"\r\n"YWxpY2U="\r\n{8+}\r\nc2VjcmV0',
        `AUTHENTICATE "NTLM"\r\n${ntlm.map((message) => `"${message}"`).join('\r\n')}`,
        'AUTHENTICATE "SCRAM-SHA-256" "biwsbj1hbGljZSxyPWFiYw=="\r\n"*"',
        'STARTTLS x',
        'PUTSCRIPT "a" "keep;"',
      ],
    },
    {
      name: 'authenticated',
      lead: [`AUTHENTICATE "PLAIN" "${alice}"`],
      words: [
        ...sieveAny,
        `PUTSCRIPT "a" {${sieve.length}+}\r\n${sieve}`,
        'PUTSCRIPT {3+}\r\nb\xc3\xbc "discard;"',
        `CHECKSCRIPT {${sieve.length}+}\r\n${sieve}`,
        'CHECKSCRIPT "if true { kep; }"',
        'HAVESPACE "a" 1000',
        'LISTSCRIPTS',
        'SETACTIVE "a"',
        'SETACTIVE ""',
        'GETSCRIPT "a"',
        'RENAMESCRIPT "a" "c"',
        'DELETESCRIPT "c"',
        'UNAUTHENTICATE',
      ],
    },
  ],
}

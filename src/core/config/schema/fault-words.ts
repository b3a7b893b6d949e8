import type { FaultProtocol } from './protocol.ts'

const transactionVerbs = split(
  'ATRN AUTH BDAT BURL DATA EHLO ETRN EXPN HELO HELP LHLO MAIL NOOP QUIT RCPT RSET SAML SEND SOML STARTTLS TURN VRFY X-EXPS X-LINK2STATE XCLIENT XEXCH50 XFORWARD',
)

/** The commands that faults can name, by protocol: those that the servers know, and others that clients send. */
export const verbs: Readonly<Partial<Record<FaultProtocol, readonly string[]>>> = {
  smtp: transactionVerbs,
  lmtp: transactionVerbs,
  pop3: split('APOP AUTH CAPA DELE LANG LAST LIST NOOP PASS QUIT RETR RSET STAT STLS TOP UIDL USER UTF8'),
  imap4: [
    ...split(
      'APPEND AUTHENTICATE CAPABILITY CHECK CLOSE COMPRESS COPY CREATE DELETE DELETEACL ENABLE ESEARCH EXAMINE EXPUNGE FETCH GETACL',
    ),
    ...split(
      'GETJMAPACCESS GETMETADATA GETQUOTA GETQUOTAROOT ID IDLE LIST LISTRIGHTS LOGIN LOGOUT LSUB MOVE MYRIGHTS NAMESPACE NOOP NOTIFY RENAME',
    ),
    ...split('CANCELUPDATE GENURLAUTH RESETKEY URLFETCH XLIST'),
    ...split('REPLACE SEARCH SELECT SETACL SETMETADATA SETQUOTA SORT STARTTLS STATUS STORE SUBSCRIBE THREAD UID'),
    ...split('UNAUTHENTICATE UNSELECT UNSUBSCRIBE'),
    ...split('COPY EXPUNGE FETCH MOVE REPLACE SEARCH SORT STORE THREAD').map((verb) => `UID ${verb}`),
  ],
  nntp: [
    ...split(
      'ARTICLE AUTHINFO BODY CAPABILITIES CHECK COMPRESS DATE GROUP HDR HEAD HELP IHAVE LAST LIST LISTGROUP MODE',
    ),
    ...split('NEWGROUPS NEWNEWS NEXT OVER POST QUIT SLAVE STARTTLS STAT TAKETHIS'),
    ...split('GENERIC PASS SASL USER').map((verb) => `AUTHINFO ${verb}`),
    ...split('ACTIVE ACTIVE.TIMES COUNTS DISTRIB.PATS DISTRIBUTIONS EXTENSIONS HEADERS MODERATORS MOTD').map(listOf),
    ...split('NEWSGROUPS OVERVIEW.FMT SUBSCRIPTIONS').map(listOf),
    'MODE READER',
    'MODE STREAM',
  ],
  managesieve: [
    ...split('AUTHENTICATE CAPABILITY CHECKSCRIPT DELETESCRIPT GETSCRIPT HAVESPACE LISTSCRIPTS LOGOUT NOOP'),
    ...split('PUTSCRIPT RENAMESCRIPT SETACTIVE STARTTLS UNAUTHENTICATE'),
  ],
}

/** The commands whose content a client sends after them, by protocol: those that faults on end-of-data can name. */
export const contentVerbs: Readonly<Partial<Record<FaultProtocol, readonly string[]>>> = {
  smtp: ['DATA', 'BDAT'],
  lmtp: ['DATA', 'BDAT'],
  imap4: ['APPEND', 'REPLACE', 'UID REPLACE'],
  nntp: ['POST', 'IHAVE', 'TAKETHIS'],
}

function split(words: string): string[] {
  return words.split(' ')
}

function listOf(variant: string): string {
  return `LIST ${variant}`
}

/** The form that lines of a reply must have. */
interface ReplyForm {
  /** Returns whether the lines are a reply. `atConnect`: they replace the greeting. */
  readonly fits: (lines: readonly string[], atConnect: boolean) => boolean
  readonly example: string
}

const every = (lines: readonly string[], line: RegExp, last: RegExp): boolean =>
  lines.every((text, at) => (at === lines.length - 1 ? last : line).test(text))

/** RFC 5321 section 4.2: every line but the last has a hyphen after the same code. */
const transactionReply: ReplyForm = {
  fits: (lines) =>
    every(lines, /^[2-5][0-5]\d-/, /^[2-5][0-5]\d(?: |$)/) && new Set(lines.map((line) => line.slice(0, 3))).size === 1,
  example: '451 4.3.0 Try again later',
}

/** The form of a reply, by protocol. */
export const replyForms: Readonly<Partial<Record<FaultProtocol, ReplyForm>>> = {
  smtp: transactionReply,
  lmtp: transactionReply,
  // RFC 1939 section 3, RFC 5034 section 4. What follows the first line is data.
  pop3: {
    fits: ([first = '']) => /^(?:\+OK|-ERR)(?: |$)|^\+ /.test(first),
    example: '-ERR [SYS/TEMP] Try again later',
  },
  // RFC 9051 section 7. The tag is added. A literal may stand between the first line and the last.
  imap4: {
    fits: (lines, atConnect) =>
      [lines[0] ?? '', lines.at(-1) ?? ''].every((line) =>
        (atConnect ? /^\* (?:OK|NO|BAD|BYE|PREAUTH) / : /^(?:[*+] |(?:\S+ )?(?:OK|NO|BAD)(?: |$))/).test(line),
      ),
    example: 'NO [UNAVAILABLE] Try again later',
  },
  // RFC 3977 section 3.2. What follows the first line is data.
  // RFC 5804 section 1.2. Data lines come first.
  managesieve: {
    fits: (lines) => /^(?:OK|NO|BYE)(?: |$)/i.test(lines.at(-1) ?? ''),
    example: 'NO (TRYLATER) "Try again later"',
  },
  nntp: { fits: ([first = '']) => /^[1-5]\d\d(?: |$)/.test(first), example: '403 Try again later' },
}

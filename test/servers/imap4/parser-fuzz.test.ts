import { expect, test } from 'vitest'
import { seededRandom } from '../../../src/core/values/random.ts'
import { isLong } from '../../support/long.ts'
import { connectBy, startImapLab } from './support.ts'

const COMMANDS = isLong ? 20_000 : 4_000
const SEED = 3501

/** The commands to mutate. They cover every command and every part of the grammar. */
const SEEDS = [
  'FETCH 1:* (FLAGS UID BODY.PEEK[1.2.HEADER.FIELDS.NOT (a "b")]<1.2> BINARY.SIZE[1] PREVIEW (LAZY))',
  'UID FETCH 1,3:5,* ALL (CHANGEDSINCE 1 VANISHED)',
  'STORE 1:2 (UNCHANGEDSINCE 12) +FLAGS.SILENT (\\Seen Label)',
  'SEARCH RETURN (MIN MAX COUNT SAVE PARTIAL 1:10) CHARSET UTF-8 OR (NOT SEEN) HEADER X-Y "z" UID 1:* BEFORE 1-Feb-2026',
  'UID SEARCH LARGER 10 SMALLER 4294967295 YOUNGER 60 KEYWORD x MODSEQ "/flags/\\\\draft" all 620162338',
  'SORT RETURN (ALL) (REVERSE DATE SUBJECT) UTF-8 ALL',
  'THREAD REFERENCES UTF-8 SUBJECT "x"',
  'LIST (SUBSCRIBED RECURSIVEMATCH) "" ("%" INBOX/*) RETURN (STATUS (MESSAGES UIDNEXT) CHILDREN)',
  'LSUB "" "*"',
  'SELECT INBOX (QRESYNC (1 2 1:3 (1:2 1:2)))',
  'EXAMINE INBOX (CONDSTORE)',
  'STATUS "INBOX" (MESSAGES UIDNEXT SIZE HIGHESTMODSEQ)',
  'CREATE "&ZeVnLIqe-/x" (USE (\\Sent))',
  'RENAME a b',
  'DELETE a',
  'SUBSCRIBE x',
  'COPY 1:2 Trash',
  'UID MOVE 1 Trash',
  'UID EXPUNGE 1:*',
  'APPEND INBOX (\\Seen) " 1-Feb-2026 00:00:00 +0000" {5+}\r\nhello',
  'APPEND INBOX CATENATE (URL "/INBOX;UIDVALIDITY=1/;UID=1/;SECTION=1" TEXT {2+}\r\nab)',
  'REPLACE 1 INBOX (\\Draft) ~{3+}\r\na\x00b',
  'SETQUOTA "" (STORAGE 100000 MESSAGE 100000)',
  'GETQUOTAROOT INBOX',
  'SETMETADATA INBOX (/private/comment ~{2+}\r\na\x00 /shared/comment "x")',
  'GETMETADATA INBOX (MAXSIZE 10 DEPTH 1) (/private/comment)',
  'SETACL INBOX bob -lrs',
  'LISTRIGHTS INBOX anyone',
  'GENURLAUTH "imap://alice@localhost/INBOX;UIDVALIDITY=1/;UID=1/;PARTIAL=1.2;EXPIRE=2030-01-01T00:00:00Z;URLAUTH=user+bob" INTERNAL',
  'URLFETCH ("imap://alice@localhost/INBOX/;UID=1;URLAUTH=anonymous:internal:01234567890123456789012345678901" BODYPARTSTRUCTURE BODY)',
  'RESETKEY INBOX INTERNAL',
  'ID ("name" "x" "version" NIL)',
  'ENABLE CONDSTORE UTF8=ACCEPT',
  'NOTIFY SET STATUS (SELECTED (MessageNew (UID FLAGS) MessageExpunge FlagChange)) (MAILBOXES (INBOX Sent) (MailboxName))',
  'UID SORT RETURN (UPDATE (UID) CONTEXT PARTIAL 1:2) (REVERSE DISPLAYFROM) UTF-8 ALL',
  'CANCELUPDATE "a1" "a2"',
  'NAMESPACE',
  'NOOP',
]
const SPLICES = [
  '(',
  ')',
  '"',
  '\\',
  '*',
  '%',
  '[',
  ']',
  '<',
  '>',
  ',',
  ':',
  '$',
  ' ',
  '  ',
  '0',
  '4294967296',
  '-1',
  'NIL',
  '\xff',
  '&',
  '{',
  '}',
  '((((((((',
  '~',
]

/** Makes random changes to a command. Literals are not changed, so that the number of commands stays known. */
function mutated(random: () => number): string {
  const text = SEEDS[Math.floor(random() * SEEDS.length)] as string
  const literal = text.search(/~?\{\d+\+\}\r\n/)
  let head = literal === -1 ? text : text.slice(0, literal)
  for (let n = 1 + Math.floor(random() * 2); n > 0; n--) {
    const at = Math.floor(random() * (head.length + 1))
    const cut = Math.floor(random() * 4)
    const splice =
      random() < 0.7
        ? (SPLICES[Math.floor(random() * SPLICES.length)] as string)
        : String.fromCharCode(32 + Math.floor(random() * 224))
    head = head.slice(0, at) + splice + head.slice(at + cut)
  }
  return literal === -1 ? head.replace(/\{\d+\+?\}$/, '') : head + text.slice(literal)
}

test(`${COMMANDS} malformed commands: each gets a reply, none causes an internal error`, async () => {
  await using lab = await startImapLab()
  await lab.put('alice', 'Subject: 1\r\n\r\none', 'Subject: 2\r\n\r\ntwo', 'Subject: 3\r\n\r\nthree')
  const random = seededRandom(SEED)
  using client = await connectBy('TLS', lab)
  client.send('l LOGIN alice secret\r\n')
  await client.line()
  const counts = { OK: 0, NO: 0, BAD: 0 }
  for (let n = 0; n < COMMANDS; n++) {
    const text = mutated(random)
    if (n % 10 === 0) client.send('s SELECT INBOX\r\n')
    if (n % 10 === 0) await client.lines((line) => line.startsWith('s '))
    client.send(`t${n} ${text}\r\n`)
    const reply = (await client.lines((line) => line.startsWith(`t${n} `))).at(-1) ?? '(end)'
    const status = /^t\d+ (OK|NO|BAD) /.exec(reply)?.[1] as keyof typeof counts | undefined
    expect(status, `${text}\n${reply}`).toBeDefined()
    expect(reply, text).not.toContain('[SERVERBUG]')
    if (status) counts[status]++
  }
  // Proves that many mutations were malformed, and not all.
  expect(counts.BAD).toBeGreaterThan(COMMANDS / 4)
  expect(counts.OK + counts.NO).toBeGreaterThan(COMMANDS / 20)
})

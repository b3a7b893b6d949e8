import type { Protocol } from '../../../src/core/config/schema.ts'

/** A password and a mistyped one; both are secrets. */
export const PASSWORD = 'pw7Qx9-geheim'
const MISTYPED = 'pw7Qx9-gehiem'

const b64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64')
const plain = (password: string): string => b64(`\0alice\0${password}`)

/** The input of a client in one session; each element is one segment. */
export type Script = readonly string[]

/** Malformed log-ons, and log-ons of another protocol. Every server gets all of them. */
const malformed: readonly Script[] = [
  [`a LOGIN "alice ${PASSWORD}`],
  [`a LOGIN alice" ${PASSWORD}`],
  [`a LOGIN alice"${PASSWORD} x`],
  [`a LOGIN (alice ${PASSWORD})`],
  [`a LOGIN alice ${PASSWORD} "more`],
  [`a LOGIN alice\r\n${PASSWORD}`],
  ['a LOGIN alice', PASSWORD],
  ['a LOGIN alice', `${PASSWORD} more`],
  ['a LOGIN "alice"', `"${PASSWORD}"`],
  [`a  LOGIN alice ${PASSWORD}`],
  [`a LOGINalice ${PASSWORD}`],
  [`a LOGIN${PASSWORD}`],
  [`LOGIN alice ${PASSWORD}`],
  [`LOGIN\talice\t${PASSWORD}`],
  [`a AUTHENTICATE ${PASSWORD}`],
  [`a AUTHENTICATE PLAIN "${plain(PASSWORD)}"`],
  [`a AUTHENTICATEPLAIN ${plain(PASSWORD)}`],
  [`AUTHENTICATE PLAIN ${plain(PASSWORD)}`],
  [`PASS${PASSWORD}`],
  [`PASS:${PASSWORD}`],
  [`X PASS ${PASSWORD}`],
  ['PASS', PASSWORD],
  ['USER alice', PASSWORD],
  [`USER alice ${PASSWORD}`],
  [`USER alice PASS ${PASSWORD}`],
  [`USER alice\r\nPASS ${PASSWORD}`],
  [`APOP ${PASSWORD}`],
  [`APOPalice ${PASSWORD}`],
  [`AUTHPLAIN ${plain(PASSWORD)}`],
  [`AUTH ${plain(PASSWORD)}`],
  [`AUTH PLAIN${plain(PASSWORD)}`],
  [`AUTH\tPLAIN\t${plain(PASSWORD)}`],
  [`AUTH PLAIN alice ${PASSWORD}`],
  [`X AUTH PLAIN ${plain(PASSWORD)}`],
  [`X AUTHINFO PASS ${PASSWORD}`],
  [`AUTHINFO PASS${PASSWORD}`],
  [`AUTHINFOPASS ${PASSWORD}`],
  ['AUTHINFO PASS', PASSWORD],
  [`AUTHINFO USER alice ${PASSWORD}`],
  [`AUTHINFO USER alice PASS ${PASSWORD}`],
  [`AUTHINFO SASL ${plain(PASSWORD)}`],
  // Clients of HTTP that use the wrong port.
  [`GET /status?token=${PASSWORD} HTTP/1.1`],
  [`GET http://alice:${PASSWORD}@127.0.0.1/ HTTP/1.1`],
  [`Cookie: a=b; session=${PASSWORD}`],
  [`X-Api-Key: ${PASSWORD}`],
  [`X-Auth-Token: ${PASSWORD}`],
]

/** Every mechanism and form of log-on: correct and wrong, supported and unsupported (`NONE`). */
const wellFormed: Readonly<Record<Protocol, readonly Script[]>> = {
  smtp: [
    ['EHLO x', `AUTH PLAIN ${plain(PASSWORD)}`, 'QUIT'],
    ['EHLO x', `auth plain ${plain(MISTYPED)}`, 'QUIT'],
    ['EHLO x', 'AUTH PLAIN', plain(PASSWORD), 'QUIT'],
    ['EHLO x', 'AUTH LOGIN', b64('alice'), b64(PASSWORD), 'QUIT'],
    ['EHLO x', `AUTH LOGIN ${b64('alice')}`, b64(MISTYPED), 'QUIT'],
    [`EHLO x\r\nAUTH LOGIN\r\n${b64('alice')}\r\n${b64(PASSWORD)}\r\nQUIT`],
    [`EHLO x\r\nAUTH PLAIN\r\n${plain(PASSWORD)}\r\nQUIT`],
    [`EHLO x\r\nAUTH NONE\r\n${b64('alice')}\r\n${b64(PASSWORD)}\r\nQUIT`],
    [`EHLO x\r\nAUTH LOGIN ${b64('alice')} ${b64(PASSWORD)}\r\nQUIT`],
    [`EHLO x\r\nAUTH=PLAIN ${plain(PASSWORD)}\r\nQUIT`],
    [`EHLO x\r\n  AUTH   PLAIN   ${plain(PASSWORD)}\r\nQUIT`],
    [`AUTH PLAIN ${plain(PASSWORD)}`, 'QUIT'],
    ['EHLO x', 'AUTH LOGIN', `${b64('alice')}!`, b64(PASSWORD), 'QUIT'],
    [`GET / HTTP/1.1\r\nAuthorization: Basic ${b64(`alice:${PASSWORD}`)}\r\n\r\n`],
  ],
  pop3: [
    ['USER alice', `PASS ${PASSWORD}`, 'QUIT'],
    ['USER alice', `pass ${MISTYPED}`, 'QUIT'],
    [`USER alice\r\nPASS ${PASSWORD}\r\nSTAT\r\nQUIT`],
    [`USER alice\r\nPASS   ${PASSWORD}\r\nQUIT`],
    [`USER alice\r\nPASS\t${PASSWORD}\r\nQUIT`],
    [`PASS ${PASSWORD}`, 'QUIT'],
    [`APOP alice ${PASSWORD}`, 'QUIT'],
    [`AUTH PLAIN ${plain(PASSWORD)}`, 'QUIT'],
    ['AUTH PLAIN', plain(PASSWORD), 'QUIT'],
    [`AUTH LOGIN\r\n${b64('alice')}\r\n${b64(PASSWORD)}\r\nQUIT`],
    [`AUTH NONE\r\n${b64('alice')}\r\n${b64(PASSWORD)}\r\nQUIT`],
    [`AUTH PLAIN x ${plain(PASSWORD)}`, 'QUIT'],
  ],
  imap4: [
    [`a LOGIN alice ${PASSWORD}`, 'b LOGOUT'],
    [`a login "alice" "${MISTYPED}"`, 'b LOGOUT'],
    [`a LOGIN "alice" ${PASSWORD}\r\nb SELECT INBOX\r\nc LOGOUT`],
    [`a LOGIN {5}`, `alice {${PASSWORD.length}}`, PASSWORD, 'b LOGOUT'],
    [`a LOGIN {5+}\r\nalice {${PASSWORD.length}+}\r\n${PASSWORD}\r\nb LOGOUT`],
    [`a LOGIN {5}\r\nalice ${PASSWORD}\r\nb LOGOUT`],
    [`a LOGIN {5}\r\nalice "${PASSWORD}"\r\nb LOGOUT`],
    [`a LOGIN alice {${PASSWORD.length}+}\r\n${PASSWORD}\r\nb LOGOUT`],
    [`a LOGIN alice {${PASSWORD.length}}\r\n${PASSWORD}\r\nb LOGOUT`],
    [`a LOGIN ${PASSWORD}`, 'b LOGOUT'],
    [`LOGIN alice ${PASSWORD}`, 'b LOGOUT'],
    [`a LOGIN alice ${PASSWORD} more`, 'b LOGOUT'],
    [`a AUTHENTICATE PLAIN ${plain(PASSWORD)}`, 'b LOGOUT'],
    ['a AUTHENTICATE PLAIN', plain(PASSWORD), 'b LOGOUT'],
    [`a AUTHENTICATE LOGIN\r\n${b64('alice')}\r\n${b64(PASSWORD)}\r\nb LOGOUT`],
    [`a AUTHENTICATE NONE\r\n${b64('alice')}\r\n${b64(PASSWORD)}\r\nb LOGOUT`],
  ],
  nntp: [
    ['AUTHINFO USER alice', `AUTHINFO PASS ${PASSWORD}`, 'QUIT'],
    ['authinfo user alice', `authinfo pass ${MISTYPED}`, 'QUIT'],
    [`AUTHINFO USER alice\r\nAUTHINFO PASS ${PASSWORD}\r\nDATE\r\nQUIT`],
    [`AUTHINFO USER alice\r\nAUTHINFO  PASS\t${PASSWORD}\r\nQUIT`],
    [`AUTHINFO PASS ${PASSWORD}`, 'QUIT'],
    [`AUTHINFO SASL PLAIN ${plain(PASSWORD)}`, 'QUIT'],
    ['AUTHINFO SASL PLAIN', plain(PASSWORD), 'QUIT'],
    [`AUTHINFO SASL LOGIN\r\n${b64('alice')}\r\n${b64(PASSWORD)}\r\nQUIT`],
    [`AUTHINFO SASL NONE\r\n${b64('alice')}\r\n${b64(PASSWORD)}\r\nQUIT`],
    [`AUTHINFO GENERIC ${plain(PASSWORD)}`, 'QUIT'],
    [`AUTHINFO SIMPLE\r\nalice ${PASSWORD}\r\nQUIT`],
    [`AUTHINFO ${PASSWORD}`, 'QUIT'],
  ],
}

export const scripts: Readonly<Record<Protocol, readonly Script[]>> = {
  smtp: [...wellFormed.smtp, ...malformed],
  pop3: [...wellFormed.pop3, ...malformed],
  imap4: [...wellFormed.imap4, ...malformed],
  nntp: [...wellFormed.nntp, ...malformed],
}

/** Returns the forms in which the passwords may appear: raw, and in base64 at each of its three alignments. */
export function needles(): string[] {
  return [PASSWORD, MISTYPED].flatMap((password) => [password, password.toUpperCase(), ...alignments(password)])
}

/** Returns the part of a text's base64 that does not depend on the text before it, for each of the three alignments. */
function alignments(text: string): string[] {
  return [0, 1, 2].map((offset) => b64(`${'x'.repeat(offset)}${text}`).slice(4, -4))
}

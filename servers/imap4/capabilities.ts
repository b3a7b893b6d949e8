import type { LogonPolicy } from '../../src/directory/policy.ts'
import type { Session } from './session.ts'

/** What ENABLE can switch on. RFC 5161, 6855, 7162, 9051, 9586. */
export const extensions = ['CONDSTORE', 'QRESYNC', 'UTF8=ACCEPT', 'IMAP4REV2', 'UIDONLY'] as const
export type Extension = (typeof extensions)[number]

/** What is there in every state. A whole extension to a row: only what works whole is announced. */
const always = ['IMAP4rev1', 'IMAP4rev2', 'LITERAL+', 'ID', 'ENABLE', 'SASL-IR'] as const

/** What concerns mailboxes and messages; announced before log-on too, as clients look there. */
const mailboxes = [
  'IDLE', // RFC 2177
  'NAMESPACE', // RFC 2342
  'CHILDREN', // RFC 3348
  'UIDPLUS', // RFC 4315
  'UNSELECT', // RFC 3691
  'MOVE', // RFC 6851
  'SPECIAL-USE', // RFC 6154
  'CREATE-SPECIAL-USE', // RFC 6154
  'LIST-EXTENDED', // RFC 5258
  'LIST-STATUS', // RFC 5819
  'STATUS=SIZE', // RFC 8438
  'MULTIAPPEND', // RFC 3502
] as const

/** The capabilities of a session as it is now. RFC 9051 section 6.1.1. */
export function capabilities(session: Session): string {
  return [...always, ...logon(session, session.policy), ...mailboxes, ...limits(session), ...compression(session)].join(
    ' ',
  )
}

/** What can be done about logging on: nothing any more once that is done. */
function logon(session: Session, { logon, mechanisms }: LogonPolicy): string[] {
  if (session.state.name !== 'not-authenticated') return []
  return [
    ...(session.connection.canStartTls ? ['STARTTLS'] : []),
    // RFC 9051 section 6.2.3: LOGIN is refused, so do not send the password.
    ...(logon === 'yes' ? [] : ['LOGINDISABLED']),
    ...mechanisms.map((mechanism) => `AUTH=${mechanism}`),
  ]
}

/** RFC 7889 section 3. */
const limits = ({ context }: Session): string[] => [`APPENDLIMIT=${context.config.limits.messageSize}`]

/** RFC 4978: once, and of no use before log-on. */
const compression = ({ connection }: Session): string[] => (connection.compressed ? [] : ['COMPRESS=DEFLATE'])

import type { LogonPolicy } from '../../src/directory/policy.ts'
import type { Session } from './session.ts'

/** What ENABLE can switch on. RFC 5161, 6855, 7162, 9051, 9586. */
export const extensions = ['CONDSTORE', 'QRESYNC', 'UTF8=ACCEPT', 'IMAP4rev2', 'UIDONLY'] as const
export type Extension = (typeof extensions)[number]

/** What is there in every state. Only what works whole is announced, here and below. */
const always = [
  'IMAP4rev1', // RFC 3501
  'IMAP4rev2', // RFC 9051
  'LITERAL+', // RFC 7888
  'SASL-IR', // RFC 4959
  'ID', // RFC 2971
  'ENABLE', // RFC 5161
] as const

/** What concerns mailboxes and messages, and means nothing before log-on. */
const onceLoggedOn = [
  'IDLE', // RFC 2177
  'NAMESPACE', // RFC 2342
  'CHILDREN', // RFC 3348
  'UIDPLUS', // RFC 4315
  'UNSELECT', // RFC 3691
  'MOVE', // RFC 6851
  'CONDSTORE', // RFC 7162
  'QRESYNC', // RFC 7162
  'ESEARCH', // RFC 4731
  'SEARCHRES', // RFC 5182
  'WITHIN', // RFC 5032
  'SORT', // RFC 5256
  'ESORT', // RFC 5267
  'THREAD=REFERENCES', // RFC 5256
  'THREAD=ORDEREDSUBJECT', // RFC 5256
  'MULTIAPPEND', // RFC 3502
  'CATENATE', // RFC 4469
  'BINARY', // RFC 3516
  'UTF8=ACCEPT', // RFC 6855
  'LIST-EXTENDED', // RFC 5258
  'LIST-STATUS', // RFC 5819
  'SPECIAL-USE', // RFC 6154
  'CREATE-SPECIAL-USE', // RFC 6154
  'STATUS=SIZE', // RFC 8438
  'OBJECTID', // RFC 8474
  'SAVEDATE', // RFC 8514
  'REPLACE', // RFC 8508
  'PREVIEW', // RFC 8970
  'PARTIAL', // RFC 9394
  'UIDONLY', // RFC 9586
  'QUOTA', // RFC 9208
  'QUOTA=RES-STORAGE',
  'QUOTA=RES-MESSAGE',
  'QUOTASET',
] as const

/** The capabilities of a session as it is now. RFC 9051 section 6.1.1. */
export function capabilities(session: Session): string {
  const { connection, context, state, policy } = session
  const isLoggedOn = state.name !== 'not-authenticated'
  return [
    ...always,
    ...(isLoggedOn ? onceLoggedOn : beforeLogOn(connection.canStartTls, policy)),
    ...(isLoggedOn && !connection.compressed ? ['COMPRESS=DEFLATE'] : []), // RFC 4978
    `APPENDLIMIT=${context.config.limits.messageSize}`, // RFC 7889
  ].join(' ')
}

/** How one can log on. RFC 9051 section 6.2. */
function beforeLogOn(canStartTls: boolean, { logon, mechanisms }: LogonPolicy): string[] {
  return [
    ...(canStartTls ? ['STARTTLS'] : []),
    // LOGIN would be refused, so the password need not be sent. RFC 9051 section 6.2.3
    ...(logon === 'yes' ? [] : ['LOGINDISABLED']),
    ...mechanisms.map((mechanism) => `AUTH=${mechanism}`),
  ]
}

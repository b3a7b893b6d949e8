import type { LogonPolicy } from '../../src/accounts/directory/policy.ts'
import { capturedInboxOf } from '../service.ts'
import { messageLimit } from './message-limit.ts'
import type { ImapSession } from './state.ts'

/** Announced in every state. Only complete implementations are announced, here and below. */
const always = [
  'IMAP4rev1', // RFC 3501
  'IMAP4rev2', // RFC 9051
  'LITERAL+', // RFC 7888
  'SASL-IR', // RFC 4959
  'ID', // RFC 2971
  'ENABLE', // RFC 5161
] as const

/** Announced after log-on only, since they concern mailboxes and messages. */
const onceLoggedOn = [
  'IDLE', // RFC 2177
  'NOTIFY', // RFC 5465
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
  'SORT=DISPLAY', // RFC 5957
  'ESORT', // RFC 5267
  'CONTEXT=SEARCH', // RFC 5267
  'CONTEXT=SORT', // RFC 5267
  'THREAD=REFERENCES', // RFC 5256
  'THREAD=ORDEREDSUBJECT', // RFC 5256
  'MULTIAPPEND', // RFC 3502
  'CATENATE', // RFC 4469
  'BINARY', // RFC 3516
  'UTF8=ACCEPT', // RFC 9755
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
  'ACL', // RFC 4314
  'RIGHTS=kxte',
  'LIST-MYRIGHTS', // RFC 8440
  'METADATA', // RFC 5464
  'LIST-METADATA', // RFC 9590
  'URLAUTH', // RFC 4467
  'URLAUTH=BINARY', // RFC 5524
  'UNAUTHENTICATE', // RFC 8437
  'INPROGRESS', // RFC 9585
] as const

/**
 * Returns the URL of the JMAP session of the account; undefined if the lab has none, or if INBOX is captured mail, which JMAP
 * does not show. RFC 9698 section 3.
 */
export const jmapUrlFor = ({ context, state }: ImapSession): string | undefined =>
  'identity' in state && capturedInboxOf(context, state.identity.account) === undefined ? context.jmapUrl() : undefined

/** Returns Sealpost's capabilities in the session's current state. RFC 9051 section 6.1.1. */
export function ownCapabilities(session: ImapSession): string[] {
  const { connection, context, state, policy } = session
  const limit = messageLimit(session)
  const isLoggedOn = state.name !== 'not-authenticated'
  return [
    ...always,
    ...(isLoggedOn ? onceLoggedOn : beforeLogOn(connection.canStartTls, policy)),
    ...(isLoggedOn && !connection.compressed ? ['COMPRESS=DEFLATE'] : []), // RFC 4978
    ...(isLoggedOn && limit !== undefined ? [`MESSAGELIMIT=${limit}`] : []), // RFC 9738
    ...(jmapUrlFor(session) === undefined ? [] : ['JMAPACCESS']), // RFC 9698
    // RFC 2221, RFC 2193: only where the configuration refers somebody
    ...(context.directory.hasReferrals ? ['LOGIN-REFERRALS', 'MAILBOX-REFERRALS'] : []),
    `APPENDLIMIT=${context.config.limits.messageSize}`, // RFC 7889
  ]
}

/** Returns the capabilities of a client before log-on. RFC 9051 section 6.2. */
function beforeLogOn(canStartTls: boolean, { logon, mechanisms }: LogonPolicy): string[] {
  return [
    ...(canStartTls ? ['STARTTLS'] : []),
    // Keeps clients from sending a password that would be refused. RFC 9051 section 6.2.3
    ...(logon === 'yes' ? [] : ['LOGINDISABLED']),
    ...mechanisms.map((mechanism) => `AUTH=${mechanism}`),
  ]
}

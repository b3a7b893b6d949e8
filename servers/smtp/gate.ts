import { badSequence, mustStartTls, SmtpError } from './errors.ts'
import type { SmtpSession } from './session.ts'

/** What is answered before TLS where a secure channel is required. RFC 3207 section 4. */
const BEFORE_TLS = new Set(['EHLO', 'HELO', 'NOOP', 'RSET', 'STARTTLS', 'QUIT'])
/** What needs a log-on where `anonymous` is not allowed. */
const NEEDS_LOGON = new Set(['MAIL', 'RCPT', 'DATA', 'BDAT', 'VRFY', 'EXPN'])
/** What cannot come between the chunks of a message. RFC 3030 section 2. */
const NOT_BETWEEN_CHUNKS = new Set(['MAIL', 'RCPT', 'DATA', 'AUTH', 'STARTTLS'])

/** What the policy of the virtual server answers a command with, whatever the command is; undefined: it may run. */
export function policyRefusal(session: SmtpSession, verb: string): SmtpError | undefined {
  const { channel, logon, anonymous } = session.policy
  if (channel === 'needs-tls' && !BEFORE_TLS.has(verb)) return mustStartTls()
  if (!anonymous && session.account === undefined && NEEDS_LOGON.has(verb)) {
    return logon === 'needs-tls' ? mustStartTls() : new SmtpError(530, '5.7.0', 'Authentication required') // RFC 4954 section 6
  }
  if (session.transaction?.inChunks && NOT_BETWEEN_CHUNKS.has(verb))
    return badSequence('a message in chunks is not at its end')
  return undefined
}

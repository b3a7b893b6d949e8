import type { SmtpCommand } from '../command.ts'
import { SmtpError } from '../errors.ts'
import type { ClientGreeting, SmtpSession } from '../session.ts'

/** RFC 5321 section 4.5.3.1.2: a domain has 255 octets at most. Names are let through as real clients send them. */
const MAX_NAME_LENGTH = 300

/** EHLO: the extensions that can be had now. RFC 5321 section 4.1.1.1. */
export const ehlo: SmtpCommand = {
  name: 'EHLO',
  run(session, name) {
    session.reply(250, '', [greet(session, { name, extended: true }), ...extensions(session)])
  },
}

/** HELO, for clients that know no extensions. */
export const helo: SmtpCommand = {
  name: 'HELO',
  run(session, name) {
    session.reply(250, '', greet(session, { name, extended: false }))
  },
}

/** A transaction that was open is over. RFC 5321 section 4.1.4. Returns what is answered. */
function greet(session: SmtpSession, client: ClientGreeting): string {
  const { name } = client
  if (name === '' || /[\s\p{Cc}]/u.test(name) || name.length > MAX_NAME_LENGTH) {
    throw new SmtpError(501, '5.5.4', 'a host name or address literal is asked for')
  }
  session.client = client
  session.transaction = undefined
  return `${session.context.hostname} greets [${session.connection.remote.address}]`
}

function extensions(session: SmtpSession): string[] {
  const { policy, connection, context, account } = session
  const mechanisms = account ? [] : policy.mechanisms
  return [
    'PIPELINING', // RFC 2920
    `SIZE ${context.config.limits.messageSize}`, // RFC 1870
    '8BITMIME', // RFC 6152
    'SMTPUTF8', // RFC 6531
    'CHUNKING', // RFC 3030
    'DSN', // RFC 3461
    'ENHANCEDSTATUSCODES', // RFC 2034
    ...(connection.canStartTls ? ['STARTTLS'] : []), // RFC 3207
    ...(mechanisms.length > 0 ? [`AUTH ${mechanisms.join(' ')}`] : []), // RFC 4954
    // Outlook Express 4 and its like know the draft's form alone.
    ...(mechanisms.includes('LOGIN') ? ['AUTH=LOGIN'] : []),
    'HELP',
  ]
}

import { converse, type SaslOutcome } from '../../../src/directory/sasl/exchange.ts'
import { startSasl } from '../../../src/directory/sasl/mechanisms.ts'
import { needGreeting, type SmtpCommand } from '../command.ts'
import { badSequence, mustStartTls, SmtpError } from '../errors.ts'
import type { SmtpSession } from '../session.ts'

/** RFC 4954 section 4. */
const MAX_RESPONSE_OCTETS = 12_288

/** AUTH mechanism [initial-response]. RFC 4954. */
export const auth: SmtpCommand = {
  name: 'AUTH',
  async run(session, argument) {
    // Before the password is looked at.
    if (session.policy.logon === 'needs-tls') throw mustStartTls()
    needGreeting(session)
    if (session.account) throw badSequence('logged on already')
    if (session.transaction) throw badSequence('not during a mail transaction')
    const [mechanism, initial, ...more] = argument.split(' ')
    if (!mechanism || more.length > 0) throw new SmtpError(501, '5.5.4', 'write AUTH mechanism [initial-response]')
    const exchange = session.policy.mechanisms.includes(mechanism.toUpperCase())
      ? startSasl(mechanism, { directory: session.context.directory, ...session.connection.channel })
      : undefined
    if (!exchange) throw new SmtpError(504, '5.5.4', 'authentication mechanism not to be had')
    finish(session, await converse(exchange, { initial, ask: (challenge) => ask(session, challenge) }))
  },
}

async function ask({ connection }: SmtpSession, challenge: string): Promise<string> {
  connection.write(`334 ${challenge}\r\n`)
  return await connection.readLine(MAX_RESPONSE_OCTETS, 'latin1', true)
}

function finish(session: SmtpSession, outcome: SaslOutcome): void {
  if (outcome.kind === 'cancelled') throw new SmtpError(501, '5.7.0', 'authentication cancelled')
  if (outcome.kind === 'malformed') throw new SmtpError(501, '5.5.2', 'the response is not base64')
  if (outcome.kind === 'failure') throw new SmtpError(535, '5.7.8', `Authentication failed: ${outcome.reason}`)
  session.logOn(outcome.account)
  session.reply(235, '2.7.0', 'Authentication successful')
}

import { converse } from '../../../src/directory/sasl/exchange.ts'
import { startSasl } from '../../../src/directory/sasl/mechanisms.ts'
import { words } from '../arguments.ts'
import { asLogon } from '../command.ts'
import { Pop3Error } from '../errors.ts'
import type { Pop3Reply } from '../reply.ts'
import type { Pop3Session } from '../session.ts'

/** RFC 5034 section 4: a response line has room for any mechanism's. */
const MAX_RESPONSE_OCTETS = 12_288

/** AUTH [mechanism [initial-response]]. RFC 5034. Bare, it lists the mechanisms, as Outlook Express asks. */
export const auth = asLogon({
  name: 'AUTH',
  parse: words(0, 2),
  run(session, [mechanism, initial]): Pop3Reply | Promise<Pop3Reply> {
    const { mechanisms } = session.policy
    if (mechanism === undefined) return { text: 'mechanisms follow', lines: mechanisms }
    if (!mechanisms.includes(mechanism.toUpperCase())) throw new Pop3Error('unknown authentication mechanism')
    return authenticate(session, mechanism, initial)
  },
})

async function authenticate(session: Pop3Session, mechanism: string, initial: string | undefined): Promise<string> {
  const { connection, context } = session
  const exchange = startSasl(mechanism, { directory: context.directory, ...connection.channel })
  if (!exchange) throw new Pop3Error('unknown authentication mechanism')
  const outcome = await converse(exchange, {
    initial,
    async ask(challenge) {
      connection.write(`+ ${challenge}\r\n`)
      return await connection.readLine(MAX_RESPONSE_OCTETS, 'latin1', true)
    },
  })
  if (outcome.kind === 'cancelled') throw new Pop3Error('authentication cancelled')
  if (outcome.kind === 'malformed') throw new Pop3Error('the response is not base64')
  return session.logOn(outcome.kind === 'success' ? outcome.account : undefined)
}

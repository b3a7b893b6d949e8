import { converse, type SaslOutcome } from '../../../src/directory/sasl/exchange.ts'
import { startSasl } from '../../../src/directory/sasl/mechanisms.ts'
import { defineCommand } from '../command.ts'
import { NntpError } from '../reply.ts'
import type { NntpSession } from '../session.ts'
import { MAX_SASL_OCTETS } from '../wire.ts'
import { checkLogon, checkNotLoggedOn } from './authinfo.ts'

/** AUTHINFO SASL mechanism [initial-response]. RFC 4643 section 2.4. */
export const authinfoSasl = defineCommand<readonly [mechanism: string, initial?: string]>({
  name: 'AUTHINFO SASL',
  syntax: 'mechanism [initial-response]',
  args: [1, 2],
  parse: ([mechanism = '', initial]) => (initial === undefined ? [mechanism] : [mechanism, initial]),
  async run(session, [mechanism, initial]) {
    checkNotLoggedOn(session)
    const outcome = await exchange(session, mechanism, initial)
    if (outcome.kind === 'cancelled') throw new NntpError(481, 'log-on cancelled')
    if (outcome.kind === 'malformed') throw new NntpError(504, 'the response is not base64')
    if (outcome.kind === 'failure') throw new NntpError(481, `log-on failed: ${outcome.reason}`)
    session.logOn(outcome.account)
    if (outcome.data) session.reply(283, outcome.data.toString('base64'))
    else session.reply(281, `logged on as ${outcome.account.user}`)
  },
})

function exchange(session: NntpSession, mechanism: string, initial: string | undefined): Promise<SaslOutcome> {
  const { connection, context, policy } = session
  const offered = policy.mechanisms.includes(mechanism.toUpperCase())
  const started = offered
    ? startSasl(mechanism, { directory: context.directory, ...session.connection.channel })
    : undefined
  // A client certificate may be let in where passwords are not.
  if (!started) checkLogon(session)
  if (!started) throw new NntpError(503, 'mechanism not offered')
  return converse(started, {
    initial,
    successData: true,
    async ask(challenge) {
      // RFC 4643 section 2.4.2: an empty challenge or response is `=`.
      session.reply(383, challenge === '' ? '=' : challenge)
      const response = await connection.readLine(MAX_SASL_OCTETS, 'latin1', true)
      return response === '=' ? '' : response
    },
  })
}

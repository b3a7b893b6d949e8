import { converse } from '../../../src/directory/sasl/exchange.ts'
import { startSasl } from '../../../src/directory/sasl/mechanisms.ts'
import { defineCommand } from '../command.ts'
import { bad, no } from '../reply.ts'
import { notAuthenticated } from '../state.ts'
import { utf8Text } from '../wire/text.ts'

/** LOGIN name password. RFC 9051 section 6.2.3. */
export const login = defineCommand({
  name: 'LOGIN',
  states: notAuthenticated,
  check: (session) => session.checkLogon(),
  parse(cursor) {
    cursor.space()
    const name = cursor.astring()
    cursor.space()
    return { name: utf8Text(name), password: utf8Text(cursor.astring()) }
  },
  run(session, _state, { name, password }) {
    if (name === undefined || password === undefined) throw bad('name and password must be UTF-8')
    return session.logOn(session.context.directory.authenticate(name, password))
  },
})

const MAX_RESPONSE_OCTETS = 12_288
/** An initial response, or `=` for an empty one. RFC 4959 section 3. */
const INITIAL = /[A-Za-z0-9+/=]+/y

/** AUTHENTICATE mechanism [initial-response]. RFC 9051 section 6.2.2; RFC 4959. */
export const authenticate = defineCommand({
  name: 'AUTHENTICATE',
  states: notAuthenticated,
  check(session) {
    // A client certificate may be let in where passwords are not.
    if (session.policy.mechanisms.length === 0) session.checkLogon()
  },
  parse(cursor) {
    cursor.space()
    const mechanism = cursor.keyword()
    return { mechanism, initial: cursor.take(' ') ? (cursor.match(INITIAL) ?? '') : undefined }
  },
  async run(session, _state, { mechanism, initial }) {
    const { connection, context, policy } = session
    const offered = policy.mechanisms.includes(mechanism)
    const exchange = offered
      ? startSasl(mechanism, { directory: context.directory, ...session.connection.channel })
      : undefined
    if (!exchange) session.checkLogon()
    if (!exchange) throw no(`the mechanism ${mechanism} is not offered`, 'CANNOT')
    const outcome = await converse(exchange, {
      initial,
      async ask(challenge) {
        connection.write(`+ ${challenge}\r\n`)
        return await connection.readLine(MAX_RESPONSE_OCTETS, 'latin1', true)
      },
    })
    if (outcome.kind === 'cancelled') throw bad('authentication cancelled') // RFC 9051 section 6.2.2
    if (outcome.kind === 'malformed') throw bad('the response is not base64')
    return session.logOn(outcome.kind === 'success' ? outcome.account : undefined)
  },
})

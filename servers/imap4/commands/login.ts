import { defineCommand } from '../command.ts'
import { bad } from '../reply.ts'
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

import { defineCommand, noArguments } from '../command.ts'
import { done } from '../reply.ts'
import { anyState } from '../state.ts'

/** LOGOUT. RFC 9051 section 6.1.3. */
export const logout = defineCommand({
  name: 'LOGOUT',
  states: anyState,
  parse: noArguments,
  run(session) {
    session.deselect()
    session.state = { name: 'logout' }
    session.say('* BYE logging out\r\n')
    return done('logged out')
  },
})

import { capabilities } from '../capabilities.ts'
import { defineCommand, noArguments } from '../command.ts'
import { done } from '../reply.ts'
import { anyState } from '../state.ts'

/** CAPABILITY. RFC 9051 section 6.1.1. */
export const capability = defineCommand({
  name: 'CAPABILITY',
  states: anyState,
  parse: noArguments,
  run(session) {
    session.say(`* CAPABILITY ${capabilities(session)}\r\n`)
    return done('that is what can be done')
  },
})

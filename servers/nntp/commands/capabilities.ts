import { capabilityLines } from '../capabilities.ts'
import { defineCommand } from '../command.ts'
import { syntaxError } from '../reply.ts'

/** CAPABILITIES [keyword]: a keyword is for extensions, and ignored. RFC 3977 section 5.2. */
export const capabilities = defineCommand({
  name: 'CAPABILITIES',
  syntax: '[keyword]',
  args: [0, 1],
  parse([keyword]) {
    if (keyword !== undefined && !/^[a-z][a-z0-9.-]{2,}$/i.test(keyword)) throw syntaxError('not a keyword')
  },
  run(session) {
    session.replyLines(101, 'capability list follows', capabilityLines(session))
  },
})

import { defineCommand } from '../command.ts'
import { commands } from './index.ts'

/** HELP. RFC 3977 section 7.2. */
export const help = defineCommand({
  name: 'HELP',
  run(session) {
    const lines = commands.map(({ name, syntax }) => `  ${name} ${syntax}`.trimEnd())
    session.replyLines(100, 'help text follows', lines)
  },
})

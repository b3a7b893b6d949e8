import { defineCommand } from '../command.ts'

/** MODE READER: this server always serves readers, so it only tells again whether posting is open. RFC 3977 section 5.3. */
export const modeReader = defineCommand({
  name: 'MODE READER',
  run: (session) => session.reply(...session.welcome),
})

import { defineCommand } from '../command.ts'

/** QUIT. RFC 3977 section 5.4. */
export const quit = defineCommand({
  name: 'QUIT',
  run(session) {
    session.reply(205, 'closing connection')
    session.quit()
  },
})

import { defineCommand } from '../command.ts'
import { dateStamp } from '../dates.ts'

/** DATE. RFC 3977 section 7.1. Open to everyone: newsreaders keep their connection alive with it. */
export const date = defineCommand({
  name: 'DATE',
  run: (session) => session.reply(111, dateStamp(session.context.clock.now())),
})

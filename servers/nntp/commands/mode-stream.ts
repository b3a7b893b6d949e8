import { defineCommand } from '../command.ts'

/** MODE STREAM: CHECK and TAKETHIS are open to a peer anyway. RFC 4644 section 2.3. */
export const modeStream = defineCommand({
  name: 'MODE STREAM',
  audience: 'feed',
  run: (session) => session.reply(203, 'streaming permitted'),
})

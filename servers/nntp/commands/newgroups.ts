import { defineCommand } from '../command.ts'
import { parseSince } from '../dates.ts'
import { activeLine } from './list-groups.ts'

/** NEWGROUPS date time [GMT]. RFC 3977 section 7.3. */
export const newgroups = defineCommand<number>({
  name: 'NEWGROUPS',
  syntax: '[yy]yymmdd hhmmss [GMT]',
  audience: 'reader',
  args: [2, 3],
  parse: ([date = '', time = '', zone], session) => parseSince(date, time, zone, session.context.clock.now()),
  async run(session, since) {
    const created = (await session.readableGroups()).filter(({ newsgroup }) => (newsgroup?.createdAt ?? 0) >= since)
    const lines: string[] = []
    for (const folder of created) lines.push(await activeLine(session.context.store, folder))
    session.replyLines(231, 'list of new newsgroups follows', lines)
  },
})

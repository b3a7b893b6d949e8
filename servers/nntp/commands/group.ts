import type { Folder } from '../../../src/store/types.ts'
import { defineCommand } from '../command.ts'
import { type WaterMarks, waterMarks } from '../groups.ts'
import { authenticationRequired, noSuchGroup } from '../reply.ts'
import type { NntpSession } from '../session.ts'

/** A group that the client may read. @throws NntpError 411; 480 where it would be there after a log-on */
export async function readableGroup(session: NntpSession, name: string): Promise<Folder> {
  const folder = await session.news.group(name)
  if (!folder) throw noSuchGroup()
  if (!session.access.readsGroup(folder)) throw authenticationRequired()
  return folder
}

/** Selects a group; its first article becomes the current one. RFC 3977 section 6.1.1.2. */
export async function select(session: NntpSession, folder: Folder): Promise<WaterMarks> {
  const marks = await waterMarks(session.context.store, folder)
  session.group = { folder, current: marks.count === 0 ? undefined : marks.low }
  return marks
}

/** GROUP group. RFC 3977 section 6.1.1. The name comes back as it was asked for. */
export const group = defineCommand<string>({
  name: 'GROUP',
  syntax: 'newsgroup',
  audience: 'reader',
  args: [1, 1],
  parse: ([name = '']) => name,
  async run(session, name) {
    const { count, low, high } = await select(session, await readableGroup(session, name))
    session.reply(211, `${count} ${low} ${high} ${name}`)
  },
})

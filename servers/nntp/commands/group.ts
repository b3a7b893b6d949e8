import type { Folder, FolderStatus } from '../../../src/store/types.ts'
import { defineCommand } from '../command.ts'
import { marksOf, type WaterMarks } from '../groups.ts'
import { authenticationRequired, noSuchGroup } from '../reply.ts'
import type { NntpSession } from '../session.ts'

/** A group that the client may read. @throws NntpError 411; 480 where it would be there after a log-on */
export async function readableGroup(session: NntpSession, name: string): Promise<Folder> {
  return readable(session, await session.news.group(name))
}

function readable(session: NntpSession, folder: Folder | undefined): Folder {
  if (!folder) throw noSuchGroup()
  if (!session.access.readsGroup(folder)) throw authenticationRequired()
  return folder
}

/** Selects a group; its first article becomes the current one. RFC 3977 section 6.1.1.2. */
export function select(session: NntpSession, folder: Folder, status: FolderStatus): WaterMarks {
  const marks = marksOf(status)
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
    const folder = readable(session, await session.news.group(name))
    const { count, low, high } = select(session, folder, await session.context.store.status(folder.id))
    session.reply(211, `${count} ${low} ${high} ${name}`)
  },
})

import { accountOf, type Folder } from '../../../src/storage/store/folder.ts'
import { isAdministrator } from '../access.ts'
import { defineCommand } from '../command.ts'
import { encodeMailboxName, findMailbox, readMailboxName } from '../mailbox-names.ts'
import {
  checkValueSize,
  type Depth,
  entryNames,
  entryValue,
  findEntries,
  metadataResponse,
  setEntries,
} from '../metadata.ts'
import { bad, no, ok } from '../reply.ts'
import { rightsOf } from '../rights.ts'
import { type Identity, type ImapSession, loggedOn } from '../state.ts'
import type { Cursor } from '../wire/cursor.ts'

interface GetOptions {
  readonly maxSize?: number
  readonly depth?: Depth
}

/** GETMETADATA [options] mailbox entries. Options are also accepted after the mailbox, where some clients write them. RFC 5464 section 4.2. */
export const getMetadata = defineCommand({
  name: 'GETMETADATA',
  states: loggedOn,
  parse(cursor, session) {
    cursor.space()
    const before = cursor.ahead === '(' ? options(cursor) : undefined
    const name = readMailboxName(cursor, session)
    cursor.space()
    const after = before ?? optionsBeforeEntries(cursor)
    return { name, options: after ?? {}, entries: entryNames(cursor) }
  },
  async run(session, { identity }, { name, options, entries }) {
    const { maxSize = Number.POSITIVE_INFINITY, depth = 0 } = options
    const folder = await mailboxOrServer(session, identity, name)
    const found = await findEntries(session, folder?.id, entries, depth)
    const sizes = found.map(({ value }) => value?.length ?? 0)
    const shown = found.filter((_, i) => (sizes[i] as number) <= maxSize)
    if (shown.length > 0) session.send(metadataResponse(encodeMailboxName(name, session), shown))
    const longest = Math.max(0, ...sizes)
    return ok(longest > maxSize ? `METADATA LONGENTRIES ${longest}` : undefined) // RFC 5464 section 4.2.1
  },
})

/** SETMETADATA mailbox (entry value …). Sets all entries or none of one part. RFC 5464 section 4.3. */
export const setMetadata = defineCommand({
  name: 'SETMETADATA',
  states: loggedOn,
  parse(cursor, session) {
    cursor.space()
    const name = readMailboxName(cursor, session)
    cursor.space()
    return { name, entries: cursor.list(entryValue) }
  },
  async checkLiteral(cursor, session, octets) {
    cursor.space()
    readMailboxName(cursor, session)
    checkValueSize(octets)
  },
  async run(session, { identity }, { name, entries }) {
    const folder = await mailboxOrServer(session, identity, name)
    const shared = entries.filter(({ part }) => part === 'shared')
    if (shared.length > 0) await checkMayShare(session, identity, folder)
    await setEntries(session, folder?.id, 'shared', shared)
    await setEntries(
      session,
      folder?.id,
      'private',
      entries.filter(({ part }) => part === 'private'),
    )
    return ok()
  },
})

/** Returns the mailbox; undefined for the empty name, which is the server. RFC 5464 section 4.2. */
async function mailboxOrServer(session: ImapSession, identity: Identity, name: string): Promise<Folder | undefined> {
  return name === '' ? undefined : findMailbox(session, identity, name, 'NONEXISTENT', 'r')
}

/** Checks that an account may change shared entries: those of its own mailboxes, and of others with the right `w`. */
async function checkMayShare(session: ImapSession, identity: Identity, folder: Folder | undefined): Promise<void> {
  if (folder?.owner === identity.owner || isAdministrator(session, identity)) return
  const isShared = folder !== undefined && accountOf(folder) !== undefined
  if (isShared && (await rightsOf(session, identity, folder)).includes('w')) return
  throw no('Only an administrator may change these entries.', 'NOPERM')
}

/** Reads options before the entries, where a list of entries may stand instead. */
function optionsBeforeEntries(cursor: Cursor): GetOptions | undefined {
  return cursor.match(/(?=\([A-Z])/iy) === undefined ? undefined : options(cursor)
}

/** Reads `(MAXSIZE 1024 DEPTH 1) `, with the space after it. RFC 5464 section 5. */
function options(cursor: Cursor): GetOptions {
  let found: GetOptions = {}
  cursor.list(() => {
    const name = cursor.keyword()
    cursor.space()
    if (name === 'MAXSIZE') found = { ...found, maxSize: cursor.number() }
    else if (name === 'DEPTH') found = { ...found, depth: depth(cursor) }
    else throw bad(`Unknown option ${name}.`)
  })
  cursor.space()
  return found
}

function depth(cursor: Cursor): Depth {
  const word = cursor.keyword()
  if (word === '0') return 0
  if (word === '1') return 1
  if (word === 'INFINITY') return 'infinity'
  throw bad('DEPTH is 0, 1 or infinity.')
}

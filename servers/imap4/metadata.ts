import type { OctetString } from '../../src/mail/format/types.ts'
import type { ValueChanges, ValueSpace, Values } from '../../src/storage/store/value-types.ts'
import { announce } from './notify/announcements.ts'
import { bad, no } from './reply.ts'
import { type ImapSession, originOf } from './state.ts'
import type { Cursor } from './wire/cursor.ts'
import { astringForm, octetsForm } from './wire/text.ts'

/** Largest value, and most entries of one mailbox: the shared ones, and again the private ones of each account. */
const MAX_VALUE_OCTETS = 32 * 1024
const MAX_ENTRIES = 100
const MAX_NAME_OCTETS = 1024
/** Entries that one command may name. */
const MAX_NAMED = 1000

/** The two parts of the tree of entries. RFC 5464 section 3.3. */
type Part = 'private' | 'shared'

/** A name of an entry, as the client wrote it and in lower case: entries are case-insensitive. RFC 5464 section 3.2.1. */
export interface EntryName {
  readonly shown: OctetString
  readonly key: string
  readonly part: Part
}

const ENTRY = /^\/(private|shared)(?:\/.*)?$/i
/** Parts that a name must not have. RFC 5464 section 3.2.1. */
const FORBIDDEN = /[*%\x00-\x19\x7f-\xff]|\/\/|\/$/

/** Reads the name of an entry. @throws ImapError if it cannot be one */
export function entryName(cursor: Cursor): EntryName {
  const shown = cursor.astring()
  const part = ENTRY.exec(shown)?.[1]?.toLowerCase()
  if (part === undefined || FORBIDDEN.test(shown)) {
    throw bad('An entry is a path such as /private/comment or /shared/comment.')
  }
  if (shown.length > MAX_NAME_OCTETS) throw no('The name of the entry is too long.', 'CANNOT')
  return { shown, key: shown.toLowerCase(), part: part as Part }
}

/** Reads one entry, or a list. RFC 5464 section 5, `entries`. */
export function entryNames(cursor: Cursor): EntryName[] {
  if (cursor.ahead !== '(') return [entryName(cursor)]
  const names = cursor.list(entryName)
  if (names.length > MAX_NAMED) throw bad('Too many entries.')
  return names
}

/** A value to set; undefined removes the entry. */
interface EntryValue extends EntryName {
  readonly value: Buffer | undefined
}

/** Reads `entry value` of SETMETADATA. @throws ImapError METADATA MAXSIZE */
export function entryValue(cursor: Cursor): EntryValue {
  const name = entryName(cursor)
  // An entry has a component below its part.
  if (!name.key.startsWith(`/${name.part}/`)) throw bad('The entry needs a name, as in /private/comment.')
  cursor.space()
  const value = nilOrValue(cursor)
  if (value) checkValueSize(value.length)
  return { ...name, value }
}

/** @throws ImapError METADATA MAXSIZE. RFC 5464 section 4.3 */
export function checkValueSize(octets: number): void {
  if (octets > MAX_VALUE_OCTETS) {
    throw no(`A value may have ${MAX_VALUE_OCTETS} octets.`, `METADATA MAXSIZE ${MAX_VALUE_OCTETS}`)
  }
}

function nilOrValue(cursor: Cursor): Buffer | undefined {
  if (!cursor.atLiteral) {
    const text = cursor.nstring()
    return text === undefined ? undefined : Buffer.from(text, 'latin1')
  }
  const { content, hasNul, binary } = cursor.literal()
  if (!Buffer.isBuffer(content)) throw bad('Literal too long.', 'TOOBIG')
  if (hasNul && !binary) throw bad('A string may not contain NUL. Use a literal8.')
  return content
}

/** Where the entries of a mailbox are kept: of the server, if `folderId` is undefined. */
const metadataSpace = (session: ImapSession, folderId: string | undefined, part: Part): ValueSpace => ({
  folderId,
  kind: 'metadata',
  ...(part === 'private' && 'identity' in session.state ? { reader: session.state.identity.owner } : {}),
})

/** Sets and removes entries of one part. @throws ImapError METADATA TOOMANY. RFC 5464 section 4.3 */
export async function setEntries(
  session: ImapSession,
  folderId: string | undefined,
  part: Part,
  entries: readonly EntryValue[],
): Promise<void> {
  if (entries.length === 0) return
  let isTooMany = false
  const { store } = session.context
  const space = metadataSpace(session, folderId, part)
  const change = (current: Values): ValueChanges => {
    const names = new Set(current.keys())
    for (const { key, value } of entries) {
      if (value) names.add(key)
      else names.delete(key)
    }
    isTooMany = names.size > Math.max(MAX_ENTRIES, current.size)
    return new Map(isTooMany ? [] : entries.map(({ key, value }) => [key, value]))
  }
  await store.changeValues(space, change, originOf(session))
  if (isTooMany) throw no(`A mailbox may have ${MAX_ENTRIES} entries.`, 'METADATA TOOMANY')
  if (folderId !== undefined) return
  const { reader: owner } = space
  const names = entries.map(({ key }) => key)
  await announce(session, { kind: 'server-metadata', entries: names, ...(owner === undefined ? {} : { owner }) })
}

/** How many levels below the named entries are returned. RFC 5464 section 4.2.2. */
export type Depth = 0 | 1 | 'infinity'

interface FoundEntry {
  readonly shown: OctetString
  readonly value: Buffer | undefined
}

/** Returns the named entries, and those below them. An entry without a value is returned only if it is named itself. */
export async function findEntries(
  session: ImapSession,
  folderId: string | undefined,
  names: readonly EntryName[],
  depth: Depth,
): Promise<FoundEntry[]> {
  const known = new Map<Part, Values>()
  for (const part of new Set(names.map((name) => name.part))) {
    const values = new Map(await session.context.store.values(metadataSpace(session, folderId, part)))
    if (folderId === undefined && part === 'shared') addServerEntries(session, values)
    known.set(part, values)
  }
  const found = new Map<string, FoundEntry>()
  for (const { shown, key, part } of names) {
    const values = known.get(part) ?? new Map<string, Buffer>()
    const value = values.get(key)
    if (value || depth === 0) found.set(key, { shown, value })
    if (depth === 0) continue
    for (const [name, content] of values) {
      const isBelow = name.startsWith(`${key}/`) && (depth === 'infinity' || !name.includes('/', key.length + 1))
      if (isBelow && !found.has(name)) found.set(name, { shown: name, value: content })
    }
  }
  return [...found.values()]
}

/** Adds the entries of the server that have a value unless an administrator sets another one. RFC 5464 section 6.2.1. */
function addServerEntries({ context }: ImapSession, values: Map<string, Buffer>): void {
  const { domain } = context.directory
  if (!values.has('/shared/admin')) values.set('/shared/admin', Buffer.from(`mailto:postmaster@${domain}`))
}

/** Returns `* METADATA INBOX (/shared/comment "text")`. RFC 5464 section 4.4.1. */
export function metadataResponse(mailbox: OctetString, entries: readonly FoundEntry[]): OctetString {
  const items = entries.map(({ shown, value }) => `${astringForm(shown)} ${value ? octetsForm(value) : 'NIL'}`)
  return `* METADATA ${mailbox} (${items.join(' ')})\r\n`
}

import { isSliceOver, nextSlice, runInSlices, type Steps } from '../../../src/core/time/time-slice.ts'
import type { OctetString } from '../../../src/mail/format/types.ts'
import type { Folder } from '../../../src/storage/store/folder.ts'
import { CAPTURED_ROOT, OTHER_ROOT, PUBLIC_ROOT, withInboxInCapitals } from '../../../src/storage/store/mailboxes.ts'
import { seesCaptured } from '../captured.ts'
import { defineCommand, noArguments } from '../command.ts'
import { listPattern, literalStart } from '../list-pattern.ts'
import { decodePattern, encodeMailboxName, patternName, readPattern, superiors } from '../mailbox-names.ts'
import { attributes, type MailboxNode, mailboxTree } from '../mailbox-tree.ts'
import { type EntryName, entryName, findEntries, metadataResponse } from '../metadata.ts'
import { bad, ok } from '../reply.ts'
import { rightsOf } from '../rights.ts'
import { type Identity, type ImapSession, loggedOn } from '../state.ts'
import { enableByItems, type StatusItem, statusItems, statusLine } from '../status-items.ts'
import type { Cursor } from '../wire/cursor.ts'
import { myRightsLine } from './acl.ts'

/** The arguments of LIST. RFC 9051 section 6.3.9. */
interface ListRequest {
  /** The patterns with the reference in front, in the encoding of `patternName`. */
  readonly patterns: readonly string[]
  readonly select: ReadonlySet<string>
  readonly returns: ReadonlySet<string>
  /** STATUS items to report for each mailbox. RFC 5819. */
  readonly status?: readonly StatusItem[]
  /** Annotations to report for each mailbox. RFC 9590. */
  readonly metadata?: readonly EntryName[]
  /** Whether it has options or a list of patterns. RFC 5258 section 3. */
  readonly extended: boolean
}

const SELECT_OPTIONS = ['SUBSCRIBED', 'REMOTE', 'RECURSIVEMATCH', 'SPECIAL-USE']
const RETURN_OPTIONS = ['SUBSCRIBED', 'CHILDREN', 'SPECIAL-USE', 'STATUS', 'METADATA', 'MYRIGHTS']

/** LIST, basic and extended. RFC 9051 section 6.3.9; RFC 5258, 5819, 6154. */
export const list = defineCommand({
  name: 'LIST',
  states: loggedOn,
  parse: listRequest,
  async run(session, { identity }, request) {
    // An empty pattern asks for the separator. RFC 9051 section 6.3.9
    if (!request.extended && request.patterns[0] === '') {
      session.send('* LIST (\\Noselect) "/" ""\r\n')
      return ok()
    }
    enableByItems(session, request.status ?? [])
    const isRecursive = request.select.has('RECURSIVEMATCH')
    const patterns = [...new Set(request.patterns)].map(listPattern)
    const matches = (name: string): Steps<boolean> => matchesAny(patternName(name, session), patterns)
    const start = request.patterns.length === 1 ? literalStart(request.patterns[0] as string) : { prefix: '' }
    // Only RECURSIVEMATCH depends on names that do not match. RFC 5258 section 3
    const tree = await mailboxTree(session, identity, isRecursive ? undefined : { ...start, matches })
    const matching = new Set<MailboxNode>(isRecursive ? [] : tree)
    for (const node of isRecursive ? tree : []) {
      if (isSliceOver()) await nextSlice()
      if (await runInSlices(matches(node.name))) matching.add(node)
    }
    const above = async (isChosen: (node: MailboxNode) => boolean): Promise<ReadonlySet<string>> =>
      isRecursive ? await runInSlices(levelsAbove(tree, isChosen)) : NONE
    const aboveSelected = await above((node) => isSelected(node, request))
    const aboveUnlisted = await above((node) => isSelected(node, request) && !matching.has(node))
    for (const node of matching) {
      if (isSliceOver()) await pause(session)
      // A name is not listed for a mailbox below it that is listed itself. RFC 5258 section 3.3
      if (!isSelected(node, request) && !aboveUnlisted.has(node.name)) continue
      session.send(listLine(session, node, request, aboveSelected.has(node.name)))
      if (node.folder) await sendDetails(session, identity, { name: node.name, folder: node.folder }, request)
    }
    return ok()
  },
})

const NONE: ReadonlySet<string> = new Set()

/** Sends the responses that the client asked for besides LIST. RFC 5819, 8440, 9590. */
async function sendDetails(
  session: ImapSession,
  identity: Identity,
  { name, folder }: { readonly name: string; readonly folder: Folder },
  { status, metadata, returns }: ListRequest,
): Promise<void> {
  const encoded = encodeMailboxName(name, session)
  if (returns.has('MYRIGHTS')) session.send(await myRightsLine(session, identity, folder, encoded))
  if (!status && !metadata) return
  // STATUS and GETMETADATA would be refused. RFC 5819 section 2
  if (!(await rightsOf(session, identity, folder)).includes('r')) return
  if (status) session.send(await statusLine(session, identity, folder, status, name))
  if (metadata) session.send(metadataResponse(encoded, await findEntries(session, folder.id, metadata, 0)))
}

/** Waits for other sessions, and for a client that reads slowly. */
export async function pause({ connection }: ImapSession): Promise<void> {
  await nextSlice()
  await connection.drained()
}

function* matchesAny(name: string, patterns: readonly ((name: string) => boolean)[]): Steps<boolean> {
  for (const matches of patterns) {
    if (matches(name)) return true
    yield
  }
  return false
}

/** Returns the names of the levels above the chosen names. */
function* levelsAbove(
  tree: readonly MailboxNode[],
  isChosen: (node: MailboxNode) => boolean,
): Steps<ReadonlySet<string>> {
  const levels = new Set<string>()
  for (const node of tree) {
    if (!isChosen(node)) continue
    for (const level of superiors(node.name)) levels.add(level)
    yield
  }
  return levels
}

function listRequest(cursor: Cursor, session: ImapSession): ListRequest {
  cursor.space()
  const hasOptions = cursor.ahead === '('
  const select = new Set(hasOptions ? cursor.list(() => option(cursor, SELECT_OPTIONS), true) : [])
  // RECURSIVEMATCH only modifies another option. RFC 5258 section 3.1
  if (select.has('RECURSIVEMATCH') && !select.has('SUBSCRIBED') && !select.has('SPECIAL-USE')) {
    throw bad('RECURSIVEMATCH needs another selection option.')
  }
  if (hasOptions) cursor.space()
  const reference = decodePattern(cursor.astring(), session)
  cursor.space()
  const isList = cursor.ahead === '('
  const pattern = (): string => decodePattern(cursor.listMailbox(), session)
  const withReference = (text: string): string => withInboxInCapitals(reference + text)
  const first = isList ? undefined : pattern()
  const patterns =
    first === undefined ? cursor.list(() => withReference(pattern())) : [first === '' ? '' : withReference(first)]
  const returned = cursor.take(' ') ? returnOptions(cursor) : undefined
  return { patterns, select, returns: new Set(), ...returned, extended: hasOptions || isList || returned !== undefined }
}

function option(cursor: Cursor, known: readonly string[]): string {
  const name = cursor.keyword()
  if (!known.includes(name)) throw bad(`Unknown LIST option ${name}.`)
  return name
}

function returnOptions(cursor: Cursor): Pick<ListRequest, 'returns' | 'status' | 'metadata'> {
  if (cursor.keyword() !== 'RETURN') throw bad('RETURN expected.')
  cursor.space()
  let status: readonly StatusItem[] | undefined
  let metadata: readonly EntryName[] | undefined
  const names = cursor.list(() => {
    const name = option(cursor, RETURN_OPTIONS)
    if (name === 'STATUS') {
      cursor.space()
      status = statusItems(cursor)
    }
    if (name === 'METADATA') {
      cursor.space()
      metadata = cursor.list(entryName)
    }
    return name
  }, true)
  return { returns: new Set(names), ...(status ? { status } : {}), ...(metadata ? { metadata } : {}) }
}

/** Returns whether a name matches the selection options. RFC 5258 section 3.1. */
function isSelected(node: MailboxNode, { select }: ListRequest): boolean {
  if (select.has('SUBSCRIBED') ? !node.subscribed : !node.exists) return false
  return !select.has('SPECIAL-USE') || node.folder?.specialUse !== undefined
}

function listLine(session: ImapSession, node: MailboxNode, request: ListRequest, selectsBelow: boolean): OctetString {
  const wantsUse = request.select.has('SPECIAL-USE') || request.returns.has('SPECIAL-USE')
  const showsUse = wantsUse || session.words?.showsSpecialUse !== false
  const found = attributes(node, { extended: request.extended, showsUse })
  const wantsSubscribed = request.select.has('SUBSCRIBED') || request.returns.has('SUBSCRIBED')
  if (wantsSubscribed && node.subscribed) found.unshift('\\Subscribed')
  // The criteria that a mailbox below matches. RFC 5258 section 3.5
  const criteria = selectsBelow ? ['SUBSCRIBED', 'SPECIAL-USE'].filter((name) => request.select.has(name)) : []
  const info = criteria.length > 0 ? ` ("CHILDINFO" (${criteria.map((name) => `"${name}"`).join(' ')}))` : ''
  return `* LIST (${found.join(' ')}) "/" ${encodeMailboxName(node.name, session)}${info}\r\n`
}

/**
 * LSUB reference pattern: subscribed names. A level above one is listed as \Noselect if the pattern ends with `%`.
 * RFC 3501 section 6.3.9.
 */
export const lsub = defineCommand({
  name: 'LSUB',
  states: loggedOn,
  parse: readPattern,
  async run(session, { identity }, pattern) {
    const tree = await mailboxTree(session, identity, { prefix: literalStart(pattern).prefix })
    const above = await runInSlices(levelsAbove(tree, ({ subscribed }) => subscribed))
    const matches = listPattern(pattern)
    for (const node of tree) {
      if (isSliceOver()) await pause(session)
      if (!matches(patternName(node.name, session))) continue
      if (!node.subscribed && !(pattern.includes('%') && above.has(node.name))) continue
      const found = node.subscribed
        ? attributes(node, { showsUse: session.words?.showsSpecialUse !== false })
        : ['\\Noselect']
      session.send(`* LSUB (${found.join(' ')}) "/" ${encodeMailboxName(node.name, session)}\r\n`)
    }
    return ok()
  },
})

/** NAMESPACE: the account's own mailboxes, those that others share, the newsgroups, and captured mail. RFC 2342; RFC 9051 section 6.3.10. */
export const namespace = defineCommand({
  name: 'NAMESPACE',
  needsNoRefresh: true,
  states: loggedOn,
  parse: noArguments,
  run(session, { identity }) {
    const roots = [PUBLIC_ROOT, ...(seesCaptured(session, identity) ? [CAPTURED_ROOT] : [])]
    session.send(
      `* NAMESPACE (("" "/")) (("${OTHER_ROOT}/" "/")) (${roots.map((root) => `("${root}/" "/")`).join('')})\r\n`,
    )
    return ok()
  },
})

import { TimeSlice } from '../../../src/common/time-slice.ts'
import type { OctetString } from '../../../src/mail/types.ts'
import { withInboxInCapitals } from '../../../src/store/mailboxes.ts'
import { defineCommand, noArguments } from '../command.ts'
import { matchesPattern, nameForm, PUBLIC_ROOT, patternOf, superiors, wireName } from '../mailbox-names.ts'
import { attributes, type MailboxNode, mailboxTree } from '../mailbox-tree.ts'
import { bad, done } from '../reply.ts'
import type { Session } from '../session.ts'
import { loggedOn } from '../state.ts'
import type { Cursor } from '../wire/cursor.ts'
import { type StatusItem, statusItems, statusLine } from './status.ts'

/** LIST, basic and extended. RFC 9051 section 6.3.9; RFC 5258, 5819, 6154. */
export const list = defineCommand({
  name: 'LIST',
  states: loggedOn,
  parse: listRequest,
  async run(session, { identity }, request) {
    // An empty pattern asks for the separator. RFC 9051 section 6.3.9
    if (!request.extended && request.patterns[0] === '') {
      session.say('* LIST (\\Noselect) "/" ""\r\n')
      return done('that is the separator')
    }
    const tree = await mailboxTree(session, identity)
    const aboveSelected = request.select.has('RECURSIVEMATCH')
      ? new Set(tree.filter((node) => isSelected(node, request)).flatMap(({ name }) => superiors(name)))
      : undefined
    const timeSlice = new TimeSlice()
    for (const node of tree) {
      if (timeSlice.isOver()) await timeSlice.yield()
      if (!request.patterns.some((pattern) => matchesPattern(wireName(node.name, session), pattern))) continue
      const below = aboveSelected?.has(node.name) ?? false
      if (!isSelected(node, request) && !below) continue
      session.say(listLine(session, node, request, below))
      if (request.status && node.folder) session.say(await statusLine(session, node.folder, request.status))
    }
    return done('those are the mailboxes')
  },
})

/** Whether a name is what the selection options ask for. RFC 5258 section 3.1. */
function isSelected(node: MailboxNode, { select }: ListRequest): boolean {
  if (select.has('SUBSCRIBED') ? !node.subscribed : !node.exists) return false
  return !select.has('SPECIAL-USE') || node.folder?.specialUse !== undefined
}

function listLine(session: Session, node: MailboxNode, request: ListRequest, below: boolean): OctetString {
  const found = attributes(node)
  const wantsSubscribed = request.select.has('SUBSCRIBED') || request.returns.has('SUBSCRIBED')
  if (wantsSubscribed && node.subscribed) found.unshift('\\Subscribed')
  // RFC 5258 section 3.5: which criteria something below fulfils.
  const criteria = below ? ['SUBSCRIBED', 'SPECIAL-USE'].filter((option) => request.select.has(option)) : []
  const info = criteria.length > 0 ? ` ("CHILDINFO" (${criteria.map((name) => `"${name}"`).join(' ')}))` : ''
  return `* LIST (${found.join(' ')}) "/" ${nameForm(node.name, session)}${info}\r\n`
}

/**
 * LSUB reference pattern: names subscribed to. Where `%` stops above one, the level is listed as \Noselect.
 * RFC 3501 section 6.3.9.
 */
export const lsub = defineCommand({
  name: 'LSUB',
  states: loggedOn,
  parse(cursor, session) {
    cursor.space()
    const reference = patternOf(cursor.astring(), session)
    cursor.space()
    return withInboxInCapitals(reference + patternOf(cursor.listMailbox(), session))
  },
  async run(session, { identity }, pattern) {
    const tree = await mailboxTree(session, identity)
    const above = new Set(tree.filter(({ subscribed }) => subscribed).flatMap(({ name }) => superiors(name)))
    const timeSlice = new TimeSlice()
    for (const node of tree) {
      if (timeSlice.isOver()) await timeSlice.yield()
      if (!matchesPattern(wireName(node.name, session), pattern)) continue
      if (!node.subscribed && !(pattern.includes('%') && above.has(node.name))) continue
      const found = node.subscribed ? attributes(node) : ['\\Noselect']
      session.say(`* LSUB (${found.join(' ')}) "/" ${nameForm(node.name, session)}\r\n`)
    }
    return done('those are the subscriptions')
  },
})

/** NAMESPACE: one's own mailboxes, nobody else's, and the newsgroups. RFC 2342; RFC 9051 section 6.3.10. */
export const namespace = defineCommand({
  name: 'NAMESPACE',
  states: loggedOn,
  parse: noArguments,
  run(session) {
    session.say(`* NAMESPACE (("" "/")) NIL (("${PUBLIC_ROOT}/" "/"))\r\n`)
    return done('those are the namespaces')
  },
})

/** A LIST command. RFC 9051 section 6.3.9. */
export interface ListRequest {
  /** The reference and each pattern, put together; in the form that names have on the wire. */
  readonly patterns: readonly string[]
  readonly select: ReadonlySet<string>
  readonly returns: ReadonlySet<string>
  /** What STATUS is to be told of each mailbox. RFC 5819. */
  readonly status?: readonly StatusItem[]
  /** It has options or several patterns. RFC 5258 section 3. */
  readonly extended: boolean
}

const SELECT_OPTIONS = ['SUBSCRIBED', 'REMOTE', 'RECURSIVEMATCH', 'SPECIAL-USE']
const RETURN_OPTIONS = ['SUBSCRIBED', 'CHILDREN', 'SPECIAL-USE', 'STATUS']

export function listRequest(cursor: Cursor, session: Session): ListRequest {
  cursor.space()
  const hasOptions = cursor.ahead === '('
  const select = new Set(hasOptions ? cursor.list(() => option(cursor, SELECT_OPTIONS), true) : [])
  // RFC 5258 section 3.1: it modifies another option, which must be there.
  if (select.has('RECURSIVEMATCH') && !select.has('SUBSCRIBED') && !select.has('SPECIAL-USE')) {
    throw bad('RECURSIVEMATCH needs another selection option')
  }
  if (hasOptions) cursor.space()
  const reference = patternOf(cursor.astring(), session)
  cursor.space()
  const isList = cursor.ahead === '('
  const pattern = (): string => withInboxInCapitals(reference + patternOf(cursor.listMailbox(), session))
  const first = isList ? undefined : patternOf(cursor.listMailbox(), session)
  const patterns =
    first === undefined ? cursor.list(pattern) : [first === '' ? '' : withInboxInCapitals(reference + first)]
  const returned = cursor.take(' ') ? returnOptions(cursor) : undefined
  return { patterns, select, returns: new Set(), ...returned, extended: hasOptions || isList || returned !== undefined }
}

function option(cursor: Cursor, known: readonly string[]): string {
  const name = cursor.keyword()
  if (!known.includes(name)) throw bad(`unknown LIST option ${name}`)
  return name
}

function returnOptions(cursor: Cursor): Pick<ListRequest, 'returns' | 'status'> {
  if (cursor.keyword() !== 'RETURN') throw bad('RETURN expected')
  cursor.space()
  let status: readonly StatusItem[] | undefined
  const names = cursor.list(() => {
    const name = option(cursor, RETURN_OPTIONS)
    if (name === 'STATUS') {
      cursor.space()
      status = statusItems(cursor)
    }
    return name
  }, true)
  return { returns: new Set(names), ...(status ? { status } : {}) }
}

import { readMailboxName } from '../mailbox-names.ts'
import { bad, no } from '../reply.ts'
import type { ImapSession, SelectedEvents } from '../state.ts'
import type { Cursor } from '../wire/cursor.ts'
import { type FetchItem, fetchItems } from '../wire/fetch-request.ts'

/** The events that can be asked for. RFC 5465 section 5. */
const eventNames = [
  'MessageNew',
  'MessageExpunge',
  'FlagChange',
  'MailboxName',
  'SubscriptionChange',
  'MailboxMetadataChange',
  'ServerMetadataChange',
] as const
export type EventName = (typeof eventNames)[number]
const MESSAGE_EVENTS: ReadonlySet<EventName> = new Set(['MessageNew', 'MessageExpunge', 'FlagChange'])

/** Which mailboxes other than the selected one. RFC 5465 sections 6.2 to 6.6. */
export type MailboxFilter =
  | { readonly kind: 'personal' | 'inboxes' | 'subscribed' }
  | { readonly kind: 'subtree' | 'mailboxes'; readonly names: ReadonlySet<string> }

export interface EventGroup {
  readonly filter: MailboxFilter
  readonly events: ReadonlySet<EventName>
}

/** The arguments of NOTIFY SET. */
export interface NotifyRequest {
  /** Whether the state of the mailboxes is sent first. */
  readonly status: boolean
  readonly selected: SelectedEvents
  readonly groups: readonly EventGroup[]
}

/** The events of its selected mailbox that a client gets without NOTIFY, or after NOTIFY NONE. RFC 5465 section 3.1. */
export const NO_EVENTS: SelectedEvents = { messages: false, flags: false, delayed: true, items: [] }

/** Every change of a mailbox is compared with every group. */
const MAX_GROUPS = 100

/** Reads ` SET [STATUS] groups`, or ` NONE`. RFC 5465 section 8. */
export function notifyRequest(cursor: Cursor, session: ImapSession): NotifyRequest | 'none' {
  cursor.space()
  const word = cursor.keyword()
  if (word === 'NONE') return 'none'
  if (word !== 'SET') throw bad('SET or NONE expected.')
  cursor.space()
  const status = cursor.take('STATUS ')
  let selected: SelectedEvents | undefined
  const groups: EventGroup[] = []
  do {
    cursor.expect('(')
    const name = cursor.keyword()
    if (name === 'SELECTED' || name === 'SELECTED-DELAYED') {
      if (selected) throw bad('SELECTED and SELECTED-DELAYED may be given once.') // RFC 5465 section 6.1
      selected = selectedEvents(cursor, name === 'SELECTED-DELAYED')
    } else {
      const filter = mailboxFilter(cursor, session, name)
      groups.push({ filter, events: eventsOf(cursor).events })
    }
    cursor.expect(')')
    // RFC 5465 section 3.1
    if (groups.length > MAX_GROUPS) throw no(`At most ${MAX_GROUPS} groups of events.`, 'NOTIFICATIONOVERFLOW')
  } while (cursor.take(' '))
  return { status, selected: selected ?? NO_EVENTS, groups }
}

function selectedEvents(cursor: Cursor, delayed: boolean): SelectedEvents {
  const { events, items } = eventsOf(cursor, true)
  // RFC 5465 section 6.1
  for (const event of events) if (!MESSAGE_EVENTS.has(event)) throw bad(`${event} does not belong to SELECTED.`)
  return { messages: events.has('MessageNew'), flags: events.has('FlagChange'), delayed, items }
}

function mailboxFilter(cursor: Cursor, session: ImapSession, name: string): MailboxFilter {
  const kind = name.toLowerCase()
  if (kind === 'personal' || kind === 'inboxes' || kind === 'subscribed') return { kind }
  if (kind !== 'subtree' && kind !== 'mailboxes') throw bad(`Unknown mailboxes ${name}.`)
  cursor.space()
  const one = (): string => readMailboxName(cursor, session)
  return { kind, names: new Set(cursor.ahead === '(' ? cursor.list(one) : [one()]) }
}

/** Reads ` (event …)` or ` NONE`. Also accepts events without parentheses, as in the examples of RFC 5465. */
function eventsOf(cursor: Cursor, mayFetch = false): { events: ReadonlySet<EventName>; items: readonly FetchItem[] } {
  const events = new Set<EventName>()
  let items: FetchItem[] = []
  cursor.space()
  const isList = cursor.take('(')
  do {
    const name = cursor.atom()
    if (!isList && events.size === 0 && name.toUpperCase() === 'NONE') return { events, items }
    const event = knownEvent(name)
    events.add(event)
    if (event !== 'MessageNew' || cursor.match(ITEMS_AHEAD) === undefined) continue
    if (!mayFetch) throw bad('Only SELECTED can have items to fetch.') // RFC 5465 section 8
    items = fetchItems(cursor)
  } while (cursor.take(' '))
  if (isList) cursor.expect(')')
  const [isNew, isExpunged] = [events.has('MessageNew'), events.has('MessageExpunge')]
  // RFC 5465 section 5
  if (isNew !== isExpunged) throw bad('MessageNew and MessageExpunge must be given together.')
  if (events.has('FlagChange') && !isNew) throw bad('FlagChange needs MessageNew and MessageExpunge.')
  return { events, items }
}

/** The space before the items of MessageNew. */
const ITEMS_AHEAD = / (?=\()/y

function knownEvent(name: string): EventName {
  const event = eventNames.find((known) => known.toUpperCase() === name.toUpperCase())
  // RFC 5465 section 3.1
  if (!event) throw no('The event is not supported.', `BADEVENT (${eventNames.join(' ')})`)
  return event
}

import { locate, superiors } from '../mailbox-names.ts'
import type { Identity } from '../state.ts'
import type { Subscriptions } from '../subscriptions.ts'
import type { EventGroup, EventName, MailboxFilter } from './request.ts'

/** Returns whether a name is one of the account's own mailboxes, not one that is shared with it. */
export const isOwn = (identity: Identity, name: string): boolean => locate(name, identity).owner === identity.owner

/** Returns whether one of the groups asks for an event of a mailbox. */
export const isWanted = (
  groups: readonly EventGroup[],
  subscribed: Subscriptions,
  identity: Identity,
  name: string,
  event: EventName,
): boolean => groups.some(({ filter, events }) => events.has(event) && isInFilter(filter, subscribed, identity, name))

/** RFC 5465 sections 6.2 to 6.6. */
function isInFilter(filter: MailboxFilter, subscribed: Subscriptions, identity: Identity, name: string): boolean {
  switch (filter.kind) {
    case 'personal':
      return isOwn(identity, name)
    case 'inboxes':
      return name === 'INBOX' // the only mailbox in which mail is delivered
    case 'subscribed':
      return subscribed.has(name)
    case 'mailboxes':
      return filter.names.has(name)
    case 'subtree':
      return filter.names.has(name) || superiors(name).some((above) => filter.names.has(above))
  }
}

import { accountOf, type Folder } from '../../../src/store/types.ts'
import { locate, mailboxName, superiors } from '../mailbox-names.ts'
import type { Identity } from '../state.ts'
import type { EventGroup, EventName, MailboxFilter } from './request.ts'

/** Returns the mailbox name of a folder that an account may see; undefined for the folders of other accounts. */
export function ownName(identity: Identity, folder: Folder): string | undefined {
  const isForeign = folder.owner !== identity.owner && accountOf(folder) !== undefined
  return isForeign ? undefined : mailboxName(folder, identity.owner)
}

/** Returns whether one of the groups asks for an event of a mailbox. */
export const isWanted = (
  groups: readonly EventGroup[],
  subscribed: ReadonlySet<string>,
  identity: Identity,
  name: string,
  event: EventName,
): boolean => groups.some(({ filter, events }) => events.has(event) && isInFilter(filter, subscribed, identity, name))

/** RFC 5465 sections 6.2 to 6.6. */
function isInFilter(filter: MailboxFilter, subscribed: ReadonlySet<string>, identity: Identity, name: string): boolean {
  switch (filter.kind) {
    case 'personal':
      return locate(name, identity).owner === identity.owner
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

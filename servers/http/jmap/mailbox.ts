import type { Folder } from '../../../src/storage/store/folder.ts'
import type { AccountHistory } from '../../../src/storage/store/views/account-history.ts'
import { boxesOf, COUNTS, mailboxCounts, NO_COUNTS } from './boxes.ts'
import { MAIL } from './capabilities.ts'
import { changesIn, type Item, itemsSince } from './changes.ts'
import { createMailbox, destroyMailbox, updateMailbox } from './mailbox-change.ts'
import { mailboxIds } from './mailbox-query.ts'
import { threadsOf } from './thread.ts'
import type { Changes, DataType, JsonObject, MethodCall, Query } from './types.ts'

const TREE = ['sortAsTree', 'filterAsTree']

/** RFC 8621 section 2. */
export const mailbox: DataType = {
  name: 'Mailbox',
  capability: MAIL,
  properties: ['id', 'name', 'parentId', 'role', 'sortOrder', ...COUNTS, 'myRights', 'isSubscribed'],
  arguments: { set: ['onDestroyRemoveEmails'], query: TREE, queryChanges: TREE },
  state,
  async get(call, ids, properties) {
    const boxes = await boxesOf(call)
    const counts = COUNTS.some((name) => properties.includes(name)) ? await mailboxCounts(call) : undefined
    return (ids ?? [...boxes.keys()]).flatMap((id) => {
      const box = boxes.get(id)
      return box ? [{ ...box, ...(counts?.get(id) ?? NO_COUNTS), myRights: rightsOn(box.folder) }] : []
    })
  },
  changes,
  create: async (call, object) => {
    const folder = await createMailbox(call, object)
    const { role = null, sortOrder = 0, isSubscribed = false } = (await boxesOf(call)).get(folder.id) ?? {}
    return { id: folder.id, role, sortOrder, isSubscribed, ...NO_COUNTS, myRights: rightsOn(folder) }
  },
  update: updateMailbox,
  destroy: destroyMailbox,
  query: async (call, query) => mailboxIds(call, await boxesOf(call), query),
  queryChanges,
}

/** The owner has all rights on its mailboxes, as in IMAP; INBOX stays. RFC 8621 section 2. */
const rightsOn = ({ name }: Folder): JsonObject => ({
  mayReadItems: true,
  mayAddItems: true,
  mayRemoveItems: true,
  maySetSeen: true,
  maySetKeywords: true,
  mayCreateChild: true,
  mayRename: name !== 'INBOX',
  mayDelete: name !== 'INBOX',
  maySubmit: true,
})

async function state({ account }: MethodCall): Promise<string> {
  return `${await account.history.settledWithSubscriptions()}`
}

/** RFC 8621 section 2.2. */
async function changes(call: MethodCall, since: string, max: number): Promise<Changes | undefined> {
  const { history } = call.account
  await state(call)
  const threads = await threadsOf(history)
  const items = await itemsSince(history, since)
  if (!items) return undefined
  const created = new Set(items.flatMap(({ folder }) => (folder?.type === 'created' ? folder.id : [])))
  // Other Emails of the thread make the thread unread in their mailboxes.
  const countedIn = ({ email }: Item): Iterable<string> => {
    if (!email?.isCounted) return []
    const others = (threads.get(email.threadId ?? '') ?? []).flatMap(({ copies }) => [...copies.values()])
    return new Set([...email.mailboxIds, ...others.map(({ folder }) => folder.id)])
  }
  const found = changesIn(history, items, {
    idsOf: (item) => [
      ...Array.from(countedIn(item), (id) => [id, 'updated'] as const),
      ...below(history, item).map((id) => [id, 'updated'] as const),
      ...(item.folder ? [[item.folder.id, item.folder.type] as const] : []),
    ],
    existed: (id) => !created.has(id),
    exists: (id) => history.folders.has(id),
    max,
  })
  const isCounts = found?.updated.length !== 0 && items.every(({ folder }) => !folder)
  return found && { ...found, more: { updatedProperties: isCounts ? COUNTS : null } }
}

/** Returns the mailboxes below one that was changed: they get another parent or name, also without a change of their own. */
const below = ({ folders }: AccountHistory, { folder }: Item): string[] =>
  folder ? [...folders.values()].flatMap(({ id, name }) => (name.startsWith(`${folder.name}/`) ? id : [])) : []

/** RFC 8621 section 2.4. Counts are not searched: only mailboxes that were themselves changed, and those below. */
async function queryChanges(call: MethodCall, _: Query, since: string): Promise<Iterable<string> | undefined> {
  const { history } = call.account
  await state(call)
  const items = await itemsSince(history, since)
  return items?.flatMap((item) => [...(item.folder ? [item.folder.id] : []), ...below(history, item)])
}

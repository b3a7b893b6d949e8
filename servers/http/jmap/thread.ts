import type { AccountHistory, Mail } from '../../../src/storage/store/views/account-history.ts'
import { MAIL } from './capabilities.ts'
import { changesIn, itemsSince } from './changes.ts'
import { shownCopy } from './mails.ts'
import type { Changes, DataType } from './types.ts'

/** The threads of an account that were asked for last, and the state at that time. */
const known = new WeakMap<
  AccountHistory,
  { readonly at: string; readonly threads: ReadonlyMap<string, readonly Mail[]> }
>()

/** Returns the Emails by their threads. @throws StoreError */
export async function threadsOf(history: AccountHistory): Promise<ReadonlyMap<string, readonly Mail[]>> {
  const at = `${await history.settled()}`
  const found = known.get(history)
  if (found?.at === at) return found.threads
  const mails = [...history.mails.values()].filter(shownCopy)
  const threadIds = await history.threadIds(mails)
  const threads = new Map<string, Mail[]>()
  for (const [index, mail] of mails.entries()) {
    const id = threadIds[index] ?? mail.id
    const thread = threads.get(id)
    if (thread) thread.push(mail)
    else threads.set(id, [mail])
  }
  known.set(history, { at, threads })
  return threads
}

const receivedAt = (mail: Mail): number => shownCopy(mail)?.entry.internalDate ?? 0

/** RFC 8621 section 3. */
export const thread: DataType = {
  name: 'Thread',
  capability: MAIL,
  properties: ['id', 'emailIds'],
  state: async ({ account }) => `${await account.history.settled()}`,
  async get({ account, limits }, ids) {
    const threads = await threadsOf(account.history)
    // Without ids, one more than the limit is enough to refuse them.
    const wanted = ids ?? [...threads.keys()].slice(0, limits.maxObjectsInGet + 1)
    return wanted.flatMap((id) => {
      const mails = threads.get(id)
      const sorted = mails?.toSorted((a, b) => receivedAt(a) - receivedAt(b) || (a.id < b.id ? -1 : 1))
      return sorted ? [{ id, emailIds: sorted.map((mail) => mail.id) }] : []
    })
  },
  changes: async ({ account }, since, max) => threadChanges(account.history, since, max),
}

/** RFC 8621 section 3.2. */
async function threadChanges(history: AccountHistory, since: string, max: number): Promise<Changes | undefined> {
  const threads = await threadsOf(history)
  const items = await itemsSince(history, since)
  const changed = new Set<string>()
  const touched = new Set<string>()
  const old = new Set<string>()
  for (const { email } of items ?? []) {
    if (!email) continue
    // The thread of a message that nobody has read before it was deleted.
    if (email.threadId === undefined) return undefined
    if (email.isMoved) touched.add(email.threadId)
    if (!changed.has(email.id) && email.type !== 'created') old.add(email.threadId)
    changed.add(email.id)
  }
  for (const id of touched) if (threads.get(id)?.some((mail) => !changed.has(mail.id))) old.add(id)
  return (
    items &&
    changesIn(history, items, {
      // Its Emails are the same if only keywords change.
      idsOf: ({ email }) => (email?.threadId !== undefined && email.isMoved ? [[email.threadId, email.type]] : []),
      existed: (id) => old.has(id),
      exists: (id) => threads.has(id),
      max,
    })
  )
}

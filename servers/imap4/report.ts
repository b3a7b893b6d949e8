import { MemoryLimitReached } from '../../src/core/octets/memory-budget.ts'
import type { Updates } from './changes.ts'
import { sendMessages } from './fetch/send.ts'
import { cancelUpdate, noUpdate } from './search/contexts.ts'
import type { Selection } from './selection.ts'
import type { ImapSession } from './state.ts'
import { sendExists, sendExpunged, sendFlags } from './updates.ts'
import type { FetchItem } from './wire/fetch-request.ts'

/**
 * Sends the changes that other sessions made in the selected mailbox, and those of updated search results: expunged messages,
 * then new ones, then flags. RFC 9051 sections 7.4.1 and 7.5; RFC 5267 section 4.3.2; RFC 5465 section 5. Returns a promise
 * only if the store is asked for that.
 */
export function reportChanges(session: ImapSession, selection: Selection, mayExpunge: boolean): void | Promise<void> {
  if (!selection.hasUpdates) return
  const wanted = session.notifier?.selected
  // A client that asked for no changes still gets the EXPUNGE of its own commands.
  if (wanted && !wanted.messages && !selection.hasOwnExpunges) return
  // The right to read may be taken while the mailbox is selected. RFC 4314 section 4
  const mayRead = selection.rights.includes('r')
  if (!mayRead && !selection.hasOwnExpunges) return
  const updates = selection.takeUpdates(mayExpunge)
  if (updates.expunged.uids.length > 0) {
    for (const [, context] of [...selection.contexts]) sendIfAny(session, context.removeExpunged(updates.expunged))
    sendExpunged(session, updates.expunged)
  }
  if (updates.exists === undefined) return reportMessages(session, selection, updates)
  return sendExists(session, selection, updates.exists).then(() => reportMessages(session, selection, updates))
}

/** Sends what the client wants to know about new and changed messages. */
function reportMessages(session: ImapSession, selection: Selection, updates: Updates): void | Promise<void> {
  const wanted = session.notifier?.selected
  const mayRead = selection.rights.includes('r')
  const changed = (wanted && !wanted.flags) || !mayRead ? [] : updates.changed
  const items = wanted?.items ?? []
  if (!mayRead || updates.touched.length === 0 || (selection.contexts.size === 0 && items.length === 0)) {
    sendFlags(session, selection, changed)
    return
  }
  return reportContents(session, selection, updates, { changed, items })
}

async function reportContents(
  session: ImapSession,
  selection: Selection,
  { touched, foreign }: Updates,
  { changed, items }: { readonly changed: readonly number[]; readonly items: readonly FetchItem[] },
): Promise<void> {
  const responses: string[] = []
  const itemsOf = new Map<number, FetchItem[]>(foreign.map((index) => [index, [...items]]))
  for (const [tag, context] of [...selection.contexts]) {
    const change = await context.update(touched)
    if (!change) {
      cancelUpdate(selection, tag)
      responses.push(noUpdate(tag))
      continue
    }
    responses.push(change.response)
    if (context.items.length === 0) continue
    for (const [index, list] of itemsOf) {
      if (change.added.has(selection.messages.at(index)?.uid ?? 0)) list.push(...context.items)
    }
  }
  await sendNew(session, selection, itemsOf)
  sendFlags(session, selection, changed)
  for (const response of responses) sendIfAny(session, response)
}

const NONE: ReadonlySet<number> = new Set()

/** Sends the items of new messages, as fast as the client reads them. */
async function sendNew(
  session: ImapSession,
  selection: Selection,
  itemsOf: ReadonlyMap<number, readonly FetchItem[]>,
): Promise<void> {
  for (const [index, list] of itemsOf) {
    if (list.length === 0) continue
    try {
      await sendMessages(session, selection, { items: complete(session, list), indexes: [index], seen: NONE })
    } catch (error) {
      if (!(error instanceof MemoryLimitReached)) throw error
      session.connection.record.note(`a new message was not sent: ${error.message} (memoryLimit)`)
    }
    await session.connection.drained()
  }
}

function sendIfAny(session: ImapSession, response: string): void {
  if (response !== '') session.send(response)
}

/** Returns each item once, with those that the client enabled. RFC 7162 sections 3.1 and 3.2.4. */
function complete({ enabled }: ImapSession, items: readonly FetchItem[]): FetchItem[] {
  const implied: FetchItem[] = [
    ...(enabled.has('QRESYNC') && !enabled.has('UIDONLY') ? [{ kind: 'UID' } as const] : []),
    ...(enabled.has('CONDSTORE') ? [{ kind: 'MODSEQ' } as const] : []),
  ]
  const byName = new Map([...items, ...implied].map((item) => ['label' in item ? item.label : item.kind, item]))
  return [...byName.values()]
}

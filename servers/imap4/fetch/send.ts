import { MemoryLimitReached } from '../../../src/core/octets/memory-budget.ts'
import { isSliceOver, nextSlice, runInSlices, type Steps } from '../../../src/core/time/time-slice.ts'
import { WHOLE_OCTETS } from '../../../src/net/connection.ts'
import type { MessageEntry } from '../../../src/storage/store/message-entry.ts'
import type { Selection } from '../selection.ts'
import type { ImapSession } from '../state.ts'
import { newFlagsResponse } from '../updates.ts'
import type { FetchItem } from '../wire/fetch-request.ts'
import { entriesAt, HEADER_PART, hasLongBody, type MessageContent, MessageReader, sourceOf } from './content.ts'
import { type ItemWriter, itemWriter } from './items.ts'
import { FetchWriter } from './writer.ts'

/** The messages to send, and their items. */
interface FetchPlan {
  readonly items: readonly FetchItem[]
  readonly indexes: readonly number[]
  readonly seen: ReadonlySet<number>
}

/** Sends the responses, as fast as the client reads them. Returns how many messages no longer exist. */
export async function sendMessages(session: ImapSession, selection: Selection, plan: FetchPlan): Promise<number> {
  const { items, indexes, seen } = plan
  const writers = items.map(itemWriter)
  const needsContent = writers.some(({ from }) => from !== 'entry')
  const readsHeader = needsContent && !writers.some(({ from }) => from === 'content')
  const implied = seen.size > 0 ? impliedBySeen(session, items) : []
  const isUidOnly = session.enabled.has('UIDONLY')
  const showsFlags = implied.length > 0 || items.some(({ kind }) => kind === 'FLAGS')
  using source = sourceOf(session, selection, entriesAt(selection, indexes), readsHeader ? HEADER_PART : 'message')
  const contents = new MessageReader(session, selection, source)
  const out = new FetchWriter(session)
  // A large message is held until the client has read most of it.
  using memory = session.connection.memory.reservation('messages')
  // A long list of items counts as several messages.
  const itemsWork = 1 + (writers.length >> 4)
  let missing = 0
  let work = 0
  for (const index of indexes) {
    const entry = selection.messages.at(index) as MessageEntry
    if (memory.octets > 0) memory.release()
    const start = readsHeader && hasLongBody(entry) ? await contents.header(entry) : undefined
    // Memory of messages that are not small is reserved while they are sent.
    if (needsContent && !start && entry.sizeOctets > WHOLE_OCTETS && !memory.tryGrow(entry.sizeOctets)) {
      out.end()
      throw new MemoryLimitReached()
    }
    const raw = start ?? (needsContent ? await contents.octets(entry) : undefined)
    const content = raw && contents.of(entry, raw)
    if (needsContent && !content) {
      missing++
      continue
    }
    if (showsFlags) out.text(newFlagsResponse(selection, [entry]))
    out.text(isUidOnly ? `* ${entry.uid} UIDFETCH (` : `* ${index + 1} FETCH (`)
    if (content) {
      const message: FetchedMessage = { entry, selection, content, steps: undefined }
      for (let at = 0; at < writers.length; ) {
        at = writeItems(out, writers, at, message)
        const rest = message.steps && runInSlices(message.steps)
        if (rest) await rest
        if (at === writers.length) break
        if (out.isFull) await out.flush()
        if (isSliceOver()) await nextSlice()
      }
    } else writeEntryItems(out, writers, entry, selection)
    if (seen.has(entry.uid)) {
      out.text(' ')
      writeEntryItems(out, implied, entry, selection)
    }
    out.text(')\r\n')
    work += itemsWork + (raw ? raw.length >> ITEM_SHIFT : 0)
    if (work < MESSAGES_PER_CHECK && !out.isFull) continue
    work = 0
    if (out.isFull) await out.flush()
    if (isSliceOver()) await nextSlice()
  }
  out.end()
  return missing
}

function impliedBySeen(session: ImapSession, items: readonly FetchItem[]): ItemWriter[] {
  const kinds = session.enabled.has('CONDSTORE') ? (['FLAGS', 'MODSEQ'] as const) : (['FLAGS'] as const)
  return kinds.filter((kind) => !items.some((item) => item.kind === kind)).map((kind) => itemWriter({ kind }))
}

/** Writes items that need no octets of the message. */
function writeEntryItems(
  out: FetchWriter,
  writers: readonly ItemWriter[],
  entry: MessageEntry,
  selection: Selection,
): void {
  for (let at = 0; at < writers.length; at++) {
    const writer = writers[at] as ItemWriter
    if (at > 0) out.text(' ')
    if (writer.from === 'entry') writer.write(out, entry, selection)
  }
}

interface FetchedMessage {
  readonly entry: MessageEntry
  readonly selection: Selection
  readonly content: MessageContent
  /** The rest of the item that was written last. */
  steps: Steps<void> | undefined
}

/** Messages written between two checks of the time slice. A long message counts as one for each of its kilobytes. */
const MESSAGES_PER_CHECK = 256
const ITEM_SHIFT = 10
/** Items of one message written between two checks. Most clients request fewer. */
const ITEMS_PER_CHECK = 16
/** One item of a longer message is written between two checks. */
const LONG_OCTETS = 64 * 1024

/** Writes items from the index `from` on, up to one that is written in steps. Returns the index of the next item. */
function writeItems(out: FetchWriter, writers: readonly ItemWriter[], from: number, message: FetchedMessage): number {
  const isLong = message.content.raw.length > LONG_OCTETS
  const most = from + (isLong ? 1 : ITEMS_PER_CHECK)
  let at = from
  do {
    if (at > 0) out.text(' ')
    message.steps = writeItem(out, writers[at] as ItemWriter, message)
    at++
  } while (!message.steps && at < writers.length && at < most && !out.isFull)
  return at
}

/** Writes an item, or returns the steps that write it. */
function writeItem(
  out: FetchWriter,
  writer: ItemWriter,
  { entry, selection, content }: FetchedMessage,
): Steps<void> | undefined {
  if (writer.from !== 'entry') return writer.write(out, content)
  writer.write(out, entry, selection)
  return undefined
}

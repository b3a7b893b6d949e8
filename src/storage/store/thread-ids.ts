import { createHash } from 'node:crypto'
import { isSliceOver, nextSlice } from '../../core/time/time-slice.ts'
import { headerFields, headerValue } from '../../mail/format/headers.ts'
import { ownMessageId, threadAncestors } from '../../mail/format/message-ids.ts'
import type { OctetString } from '../../mail/format/types.ts'
import { StoreError } from './errors.ts'
import type { MessageEntry } from './message-entry.ts'
import type { ExpectedMessage, MessageReads, MessageStore } from './types.ts'
import type { ValueSpace, Values } from './value-types.ts'

/** Messages whose threads are found in one change of the store. */
const BATCH_MESSAGES = 256
/** Octets of a message in which its header is looked for. */
const MAX_HEADER_OCTETS = 64 * 1024
/** The nearest ancestors, whose threads are looked up. */
const MAX_ANCESTORS = 20

/** A message whose thread is found. */
interface ThreadedMessage extends ExpectedMessage {
  readonly entry: Pick<MessageEntry, 'uid' | 'sizeOctets' | 'blob'>
}

/** A message in search of its thread. */
interface Threaded<T> {
  readonly message: T
  /** The message's own Message-ID, then those of its ancestors, the nearest first. */
  readonly ids: readonly OctetString[]
  /** Its oldest known ancestor, after which a new thread is named. */
  readonly root: string
}

/**
 * Finds the thread ids of messages. A message belongs to the thread of its own Message-ID, else of its nearest ancestor whose
 * thread is known; otherwise it begins a thread, to which all its ancestors belong when they arrive. The store keeps the
 * threads of Message-IDs, so a thread id never changes. RFC 8474 section 5.2.
 * @param messages they are iterated twice
 * @param found takes the thread id of each message that exists
 */
export async function findThreadIds<T extends ThreadedMessage>(
  store: Pick<MessageStore, 'readAhead' | 'values' | 'changeValues'>,
  messages: Iterable<T>,
  found: (message: T, threadId: string) => void,
): Promise<void> {
  using source = store.readAhead(messages, MAX_HEADER_OCTETS)
  let batch: Threaded<T>[] = []
  for (const message of messages) {
    const threaded = await read(source, message)
    if (threaded) batch.push(threaded)
    if (batch.length === BATCH_MESSAGES) {
      await join(store, batch, found)
      batch = []
    }
    if (isSliceOver()) await nextSlice()
  }
  if (batch.length > 0) await join(store, batch, found)
}

async function read<T extends ThreadedMessage>(source: MessageReads, message: T): Promise<Threaded<T> | undefined> {
  const raw = await source.read(message.folder.id, message.entry.uid, 0, MAX_HEADER_OCTETS)
  if (!raw) return undefined
  const fields = headerFields(raw)
  const value = (name: string): OctetString | undefined => headerValue(raw, fields, name)
  const own = ownMessageId(value('message-id'))
  const ancestors = threadAncestors(value('references'), value('in-reply-to'))
  const nearest = ancestors.slice(-MAX_ANCESTORS).reverse()
  return {
    message,
    ids: [...(own === undefined ? [] : [own]), ...nearest.filter((id) => id !== own)],
    root: ancestors[0] ?? own ?? message.entry.blob,
  }
}

/** Adds messages to their threads. */
async function join<T>(
  store: Pick<MessageStore, 'values' | 'changeValues'>,
  batch: readonly Threaded<T>[],
  found: (message: T, threadId: string) => void,
): Promise<void> {
  const names = [...new Set(batch.flatMap(({ ids }) => ids))]
  const space: ValueSpace = { kind: 'thread', names }
  const plan = (current: Values): Map<string, Buffer> => {
    const threads = new Map(Array.from(current, ([name, thread]) => [name, thread.toString('latin1')]))
    const added = new Map<string, Buffer>()
    for (const { message, ids, root } of batch) {
      const known = ids.find((id) => threads.has(id))
      const thread = (known === undefined ? undefined : threads.get(known)) ?? threadIdOf(root)
      found(message, thread)
      for (const id of ids) {
        if (threads.has(id)) continue
        threads.set(id, thread)
        added.set(id, Buffer.from(thread, 'latin1'))
      }
    }
    return added
  }
  const current = await store.values(space)
  if (plan(current).size === 0) return
  try {
    await store.changeValues(space, plan)
  } catch (error) {
    // A store that is full or read-only still shows threads, as far as they are known.
    if (!(error instanceof StoreError) || error.code === 'closed') throw error
  }
}

/** Returns the id of a new thread: letters, digits, `-` and `_`. RFC 8474 section 7, `objectid`. */
const threadIdOf = (root: string): string =>
  `T${createHash('sha256').update(root, 'latin1').digest('base64url').slice(0, 22)}`

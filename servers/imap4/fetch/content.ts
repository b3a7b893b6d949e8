import type { ParseCache, ParsedMessage } from '../../../src/mail/parse-cache.ts'
import type { MessageEntry } from '../../../src/store/types.ts'
import { parseCacheOf } from '../parse-caches.ts'
import type { Selection } from '../selection.ts'
import type { Session } from '../session.ts'

/** A message's octets, and what has been found out about them, once that is asked for. */
export class Content {
  readonly raw: Buffer
  readonly #blob: string
  readonly #cache: ParseCache
  #parsed: ParsedMessage | undefined

  constructor(raw: Buffer, blob: string, cache: ParseCache) {
    this.raw = raw
    this.#blob = blob
    this.#cache = cache
  }

  get parsed(): ParsedMessage {
    return (this.#parsed ??= this.#cache.get(this.#blob))
  }
}

/** Undefined once the message is expunged. */
export async function contentOf(
  { context }: Session,
  { folder }: Selection,
  { uid, blob }: MessageEntry,
): Promise<Content | undefined> {
  const raw = await context.store.read(folder.id, uid)
  return raw && new Content(raw, blob, parseCacheOf(context.store))
}

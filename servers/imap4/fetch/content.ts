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

/** The contents of a mailbox's messages, one by one; undefined for one that is expunged. */
export class ContentReader {
  readonly #session: Session
  readonly #folderId: string
  readonly #cache: ParseCache

  constructor(session: Session, { folder }: Selection) {
    this.#session = session
    this.#folderId = folder.id
    this.#cache = parseCacheOf(session.context.store)
  }

  async read(entry: MessageEntry): Promise<Content | undefined> {
    const raw = await this.octets(entry)
    return raw && this.of(entry, raw)
  }

  /** The two steps of `read`, for many messages: one promise each, not two. */
  octets({ uid }: MessageEntry): Promise<Buffer | undefined> {
    return this.#session.context.store.read(this.#folderId, uid)
  }

  of({ blob }: MessageEntry, raw: Buffer): Content {
    return new Content(raw, blob, this.#cache)
  }
}

import { createHash, type Hash } from 'node:crypto'
import { StoreError } from '../errors.ts'
import type { MessageItem, StoreItem, StoreItems } from './types.ts'

export interface DigestOfStore {
  /** Number of items by type. */
  readonly counts: Readonly<Partial<Record<StoreItem['type'], number>>>
  /** Octets of all messages; a shared blob counts once. */
  readonly octets: number
  /** The same for two stores that hold the same, in whichever order they yield it. In hex. */
  readonly hash: string
}

/** Computes the digest of the items of a store while they pass. Names of blobs are not part of it. */
export class StoreDigest {
  readonly #counts: Partial<Record<StoreItem['type'], number>> = {}
  readonly #sum = Buffer.alloc(32)
  /** Hashes of the octets of shared blobs, by name. */
  readonly #shared = new Map<string, string>()
  #octets = 0

  get result(): DigestOfStore {
    return { counts: { ...this.#counts }, octets: this.#octets, hash: this.#sum.toString('hex') }
  }

  /** Yields the items as they are. Octets of a message that the receiver does not read to their end are an error. */
  async *through(items: StoreItems): AsyncGenerator<StoreItem, void, void> {
    for await (const item of items) {
      if (item.type !== 'message') {
        this.#add(item, comparable(item))
        yield item
        continue
      }
      const content = createHash('sha256')
      yield { ...item, ...(item.raw !== undefined && { raw: this.#reading(item.raw, content) }) }
      this.#addMessage(item, content)
    }
  }

  /** Computes the digest without another receiver. */
  async of(items: StoreItems): Promise<DigestOfStore> {
    for await (const item of this.through(items)) {
      if (item.type !== 'message' || item.raw === undefined || Buffer.isBuffer(item.raw)) continue
      for await (const _ of item.raw);
    }
    return this.result
  }

  #reading(raw: Buffer | AsyncIterable<Buffer>, hash: Hash): Buffer | AsyncIterable<Buffer> {
    if (!Buffer.isBuffer(raw)) return this.#readingPieces(raw, hash)
    hash.update(raw)
    this.#octets += raw.length
    return raw
  }

  async *#readingPieces(raw: AsyncIterable<Buffer>, hash: Hash): AsyncGenerator<Buffer, void, void> {
    for await (const piece of raw) {
      hash.update(piece)
      this.#octets += piece.length
      yield piece
    }
  }

  #addMessage({ folderId, entry, raw, isShared }: MessageItem, hash: Hash): void {
    const content = raw === undefined ? this.#shared.get(entry.blob) : hash.digest('hex')
    if (content === undefined) throw new StoreError('failed', `the octets of message ${entry.uid} are missing`)
    if (isShared) this.#shared.set(entry.blob, content)
    const { blob: _, ...rest } = entry
    this.#add({ type: 'message' }, { folderId, ...rest, content })
  }

  #add({ type }: { readonly type: StoreItem['type'] }, value: object): void {
    this.#counts[type] = (this.#counts[type] ?? 0) + 1
    const hash = createHash('sha256')
      .update(`${type} ${canonicalJson(value)}`)
      .digest()
    for (let i = 0; i < hash.length; i++) this.#sum[i] = (this.#sum[i] as number) ^ (hash[i] as number)
  }
}

/** Returns an item as it is in every store: counters of names may differ. */
function comparable(item: Exclude<StoreItem, MessageItem>): object {
  if (item.type === 'value') return { ...item, content: item.content.toString('base64') }
  if (item.type !== 'store') return item
  const { lastFolder: _lastFolder, lastBlob: _lastBlob, ...rest } = item
  return rest
}

/** Returns JSON with the keys of every object in the same order, and without keys that are undefined. */
const canonicalJson = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )

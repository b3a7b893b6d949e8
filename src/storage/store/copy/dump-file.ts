import { once } from 'node:events'
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { StoreError } from '../errors.ts'
import type { CopyTarget } from './copy-store.ts'
import type { MessageItem, StoreItem, StoreItems } from './types.ts'
import { WHOLE_OCTETS } from './types.ts'

/** Version of the file. */
const FORMAT = 1

/**
 * A file with everything in a store. Its first line is `{"sealpostStore":1}`. Then each item is a line of JSON. If a message
 * has `octets` there, that many octets and a line end follow. The content of values is in base64. The last line is
 * `{"type":"end","items":N}`, so that a file that was cut off is noticed.
 */
export class DumpFile implements CopyTarget {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  /** Writes the file, which must not exist, and flushes it to disk. Others cannot read it. */
  async restore(items: StoreItems): Promise<void> {
    const stream = createWriteStream(this.#path, { flags: 'wx', mode: 0o600, highWaterMark: 1 << 20 })
    await once(stream, 'open')
    let count = 0
    await write(stream, `${JSON.stringify({ sealpostStore: FORMAT })}\n`)
    for await (const item of items) {
      count++
      await writeItem(stream, item)
    }
    await write(stream, `${JSON.stringify({ type: 'end', items: count })}\n`)
    stream.end()
    await once(stream, 'close')
    const file = await open(this.#path, 'r+')
    await file.sync()
    await file.close()
  }

  /** @throws StoreError `failed` if the file is no dump, of a newer version, or cut off */
  async *dump(): AsyncGenerator<StoreItem, void, void> {
    const reader = new Reader(createReadStream(this.#path, { highWaterMark: 1 << 20 }))
    const head = this.#parse(await reader.line())
    if (typeof head.sealpostStore !== 'number') throw this.#failed('is no copy of a store')
    if (head.sealpostStore > FORMAT) throw this.#failed(`has format ${head.sealpostStore}; use a newer Sealpost`)
    for (let count = 0; ; count++) {
      const { octets, ...item } = this.#parse(await reader.line())
      if (item.type === 'end') {
        if (item.items !== count) throw this.#failed(`has ${count} items instead of ${item.items}`)
        return
      }
      if (item.type === 'value') item.content = Buffer.from(String(item.content), 'base64')
      if (octets === undefined) yield item as unknown as StoreItem
      else yield* this.#message(reader, item as unknown as MessageItem, Number(octets))
    }
  }

  async *#message(reader: Reader, item: MessageItem, octets: number): AsyncGenerator<MessageItem, void, void> {
    if (octets <= WHOLE_OCTETS) yield { ...item, raw: await this.#whole(reader, octets) }
    else yield { ...item, raw: this.#checked(reader.octets(octets)) }
    if ((await reader.line())?.length !== 0) throw this.#failed('is damaged')
  }

  async #whole(reader: Reader, octets: number): Promise<Buffer> {
    const pieces: Buffer[] = []
    for await (const piece of this.#checked(reader.octets(octets))) pieces.push(piece)
    return Buffer.concat(pieces)
  }

  async *#checked(pieces: AsyncIterable<Buffer | undefined>): AsyncGenerator<Buffer, void, void> {
    for await (const piece of pieces) {
      if (!piece) throw this.#failed('is cut off')
      yield piece
    }
  }

  #parse(line: Buffer | undefined): Record<string, unknown> {
    if (!line) throw this.#failed('is cut off')
    try {
      return JSON.parse(line.toString('utf8'))
    } catch (cause) {
      throw this.#failed('is damaged, or no copy of a store', cause)
    }
  }

  #failed = (what: string, cause?: unknown): StoreError => new StoreError('failed', `${this.#path} ${what}`, { cause })
}

async function writeItem(stream: WriteStream, item: StoreItem): Promise<void> {
  if (item.type === 'value') return writeLine(stream, { ...item, content: item.content.toString('base64') })
  if (item.type !== 'message' || item.raw === undefined) return writeLine(stream, item)
  const { raw, ...rest } = item
  await writeLine(stream, { ...rest, octets: item.entry.sizeOctets })
  if (Buffer.isBuffer(raw)) await write(stream, raw)
  else for await (const piece of raw) await write(stream, piece)
  await write(stream, '\n')
}

const writeLine = (stream: WriteStream, value: object): Promise<void> => write(stream, `${JSON.stringify(value)}\n`)

/** Writes, and waits while the disk is slower. @throws the error of the disk */
async function write(stream: WriteStream, octets: Buffer | string): Promise<void> {
  if (stream.errored) throw stream.errored
  if (!stream.write(octets)) await once(stream, 'drain')
}

const LINE_END = 0x0a

/** Reads lines and octets from a stream of buffers. */
class Reader {
  readonly #pieces: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(pieces: AsyncIterable<Buffer>) {
    this.#pieces = pieces[Symbol.asyncIterator]()
  }

  /** Returns the next line without its end; undefined if the stream ends before. */
  async line(): Promise<Buffer | undefined> {
    const parts: Buffer[] = []
    while (true) {
      const end = this.#rest.indexOf(LINE_END)
      if (end >= 0) {
        parts.push(this.#rest.subarray(0, end))
        this.#rest = this.#rest.subarray(end + 1)
        return Buffer.concat(parts)
      }
      parts.push(this.#rest)
      if (!(await this.#next())) return undefined
    }
  }

  /** Yields this many octets, and undefined if the stream ends before. */
  async *octets(count: number): AsyncGenerator<Buffer | undefined, void, void> {
    for (let left = count; left > 0; ) {
      if (this.#rest.length === 0 && !(await this.#next())) return yield undefined
      const piece = this.#rest.subarray(0, left)
      this.#rest = this.#rest.subarray(piece.length)
      left -= piece.length
      yield piece
    }
  }

  async #next(): Promise<boolean> {
    const { value, done } = await this.#pieces.next()
    this.#rest = done ? Buffer.alloc(0) : (value as Buffer)
    return !done
  }
}

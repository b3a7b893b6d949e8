import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { viewsOf } from '../../core/octets/pieces.ts'
import { runToEnd, type Steps } from '../../core/time/time-slice.ts'
import { partOctetsOrRawInSteps } from './parts.ts'
import type { MessagePart } from './types.ts'
import { parameterText } from './words.ts'

/** A part that is not the message's own text. Sizes and hashes are of the decoded content. */
export interface Attachment {
  readonly filename: string | undefined
  /** In lower case. */
  readonly contentType: string
  readonly disposition: 'attachment' | 'inline'
  /** Content-ID without its angle brackets. */
  readonly cid: string | undefined
  readonly sizeOctets: number
  /** In hexadecimal. Comparisons and JSON use it in place of the octets. */
  readonly sha256: string
  /** The decoded octets. */
  readonly content: Buffer
  /** Returns a hash of the content in hexadecimal. */
  digest(algorithm: Digest): string
}

/** A hash algorithm of `Attachment.digest`. */
export type Digest = 'md5' | 'sha1' | 'sha256'

/** Octets that are hashed between two pauses. */
const HASHED_OCTETS = 1024 * 1024

/** Defines an own property that is computed at its first use. */
export function defineLazy(target: object, key: string, compute: () => unknown): void {
  Object.defineProperty(target, key, {
    enumerable: true,
    configurable: true,
    get() {
      const value = compute()
      Object.defineProperty(target, key, { value, enumerable: true })
      return value
    },
  })
}

/** Returns the decoded file name of a part. RFC 2183 section 2.3, RFC 2231. */
export const filenameOf = (part: MessagePart): string | undefined =>
  parameterText(part.disposition?.params ?? [], 'filename') ?? parameterText(part.params, 'name')

/** A part of a message as an attachment. */
export class AttachedPart implements Attachment {
  readonly #raw: Buffer
  readonly #part: MessagePart
  readonly #digests = new Map<Digest, string>()
  #content: Buffer | undefined
  readonly filename: string | undefined
  readonly contentType: string
  readonly disposition: 'attachment' | 'inline'
  readonly cid: string | undefined
  declare readonly sizeOctets: number
  declare readonly sha256: string

  constructor(raw: Buffer, part: MessagePart) {
    this.#raw = raw
    this.#part = part
    this.filename = filenameOf(part)
    this.contentType = `${part.type}/${part.subtype}`.toLowerCase()
    this.disposition = part.disposition?.type.toLowerCase() === 'inline' ? 'inline' : 'attachment'
    this.cid = part.id?.replace(/^<|>$/g, '')
    defineLazy(this, 'sizeOctets', () => this.content.length)
    defineLazy(this, 'sha256', () => this.digest('sha256'))
  }

  /** No own property, so that failed comparisons do not print it; `sha256` is compared instead. */
  get content(): Buffer {
    return this.#content ?? runToEnd(this.#decode())
  }

  digest(algorithm: Digest): string {
    return this.#digests.get(algorithm) ?? runToEnd(this.#hash(algorithm))
  }

  /** Decodes and hashes the content in steps. */
  *prepare(digests: readonly Digest[]): Steps<void> {
    yield* this.#decode()
    for (const one of digests) yield* this.#hash(one)
  }

  *#decode(): Steps<Buffer> {
    this.#content ??= yield* partOctetsOrRawInSteps(this.#raw, this.#part)
    return this.#content
  }

  *#hash(algorithm: Digest): Steps<string> {
    const hash = createHash(algorithm)
    for (const piece of viewsOf(this.content, HASHED_OCTETS)) {
      hash.update(piece)
      yield
    }
    const digest = hash.digest('hex')
    this.#digests.set(algorithm, digest)
    return digest
  }

  [inspect.custom](): object {
    return { ...this }
  }
}

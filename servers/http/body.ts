import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import type { Context } from 'hono'
import { ApiProblem } from '../../src/api/problem.ts'
import type { MemoryReservation } from '../../src/core/octets/memory-budget.ts'
import { viewsOf } from '../../src/core/octets/pieces.ts'
import { countShortLived } from '../../src/core/octets/short-lived.ts'
import { isSliceOver, nextSlice } from '../../src/core/time/time-slice.ts'
import type { Env } from './env.ts'

/** Answers up to this size are a part of the memory of their connection. */
const SMALL_OCTETS = 16 * 1024
/** Larger answers are sent in pieces. */
const PIECE_OCTETS = 64 * 1024
/** Arrays and objects in each other. */
const MAX_DEPTH = 32
/** Keys and values of one body. Each takes some hundred octets of memory at most, and two octets in the body. */
const MAX_VALUES = 100_000

/** Returns a reservation that lasts until the answer is sent. Bodies and answers are counted as messages. */
export function reservationOf(c: Context<Env>): MemoryReservation {
  const reservation = c.get('connection').memory.reservation('messages')
  c.env.outgoing.once('close', () => reservation.release())
  return reservation
}

/**
 * Returns the body of an answer, and counts its memory until it is sent. A large one is sent in pieces, as fast as the
 * client reads it. @throws MemoryLimitReached
 */
export function answerBody(
  content: Buffer | string,
  c: Context<Env>,
): Uint8Array<ArrayBuffer> | ReadableStream | string {
  if (content.length <= SMALL_OCTETS) return content as string
  const octets = typeof content === 'string' ? Buffer.from(content) : content
  reservationOf(c).grow(octets.length)
  c.header('Content-Length', `${octets.length}`)
  return Readable.toWeb(Readable.from(yieldPieces(octets))) as ReadableStream
}

/** Yields octets in pieces. Other clients are served in between, however fast this one reads. */
async function* yieldPieces(octets: Buffer): AsyncGenerator<Buffer, void, void> {
  for (const piece of viewsOf(octets, PIECE_OCTETS)) {
    if (isSliceOver()) await nextSlice()
    yield piece
  }
}

/** Returns whether a request has a body. RFC 9112 section 6.3. */
export const hasBody = (c: Context<Env>): boolean =>
  Number(c.req.header('Content-Length') ?? 0) > 0 || c.req.header('Transfer-Encoding') !== undefined

/**
 * Reads the body of a request. Until its end, a large one is in a file if the store is on disk.
 * @throws ApiProblem `too-large`, MemoryLimitReached, SpoolError
 */
export async function bodyOf(c: Context<Env>, maxOctets: number): Promise<Buffer> {
  const tooLarge = (): ApiProblem =>
    new ApiProblem('too-large', `the body is longer than ${maxOctets} octets, the limit`)
  if (Number(c.req.header('Content-Length') ?? 0) > maxOctets) throw tooLarge()
  const body = c.get('connection').content.receive()
  c.env.outgoing.once('close', () => {
    // Octets that are still to be read belong to nobody, and a part is not the body.
    body.discard(incompleteBody())
    body[Symbol.dispose]()
  })
  for await (const part of receivedPieces(c)) {
    if (body.octets + part.length > maxOctets) throw tooLarge()
    countShortLived(part.length)
    body.add(Buffer.from(part.buffer, part.byteOffset, part.byteLength))
    body.check()
    await body.writing
  }
  return body.take()
}

const incompleteBody = (): ApiProblem =>
  new ApiProblem('bad-request', 'the body is shorter than its length; send all of it')

/** @throws ApiProblem `bad-request` if the client stops before the end */
async function* receivedPieces(c: Context<Env>): AsyncGenerator<Uint8Array> {
  const { body } = c.req.raw
  if (!body) return
  const reader = body.getReader()
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw incompleteBody()
    })
    if (done) return
    yield value
  }
}

/** Parses a body of JSON. RFC 8259. @throws ApiProblem `bad-request`, `too-large` */
export function parseJson(octets: Buffer): unknown {
  checkShape(octets)
  return parseUtf8Json(octets)
}

/**
 * Parses a body of I-JSON, in which no key is written twice, and every string is Unicode. RFC 7493 sections 2.1 and 2.3.
 * @throws ApiProblem `bad-request`, `too-large`
 */
export function parseIJson(octets: Buffer): unknown {
  const members = checkShape(octets)
  const value = parseUtf8Json(octets)
  if (membersOf(value) === members) return value
  throw new ApiProblem(
    'bad-request',
    'the body is not I-JSON (RFC 7493); write each key once, and no unpaired surrogates',
  )
}

/** Returns how many members the objects of a value have; NaN if a string is not Unicode. */
function membersOf(value: unknown): number {
  if (typeof value === 'string') return value.isWellFormed() ? 0 : Number.NaN
  if (typeof value !== 'object' || value === null) return 0
  if (Array.isArray(value)) return value.reduce((count: number, one) => count + membersOf(one), 0)
  return Object.entries(value).reduce((count, [key, one]) => count + 1 + membersOf(key) + membersOf(one), 0)
}

function parseUtf8Json(octets: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(octets))
  } catch (error) {
    throw new ApiProblem('bad-request', `the body is not JSON: ${(error as Error).message}`)
  }
}

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a]
const [OPEN, CLOSE] = [new Set([0x5b, 0x7b]), new Set([0x5d, 0x7d])]

/**
 * Values that take two octets in a body take a hundred times as many in memory: they are counted before they are made.
 * Returns how many members of objects are written.
 */
function checkShape(octets: Buffer): number {
  let [depth, values, members] = [0, 0, 0]
  for (let at = 0; at < octets.length; at++) {
    const octet = octets[at] as number
    if (octet === QUOTE) at = endOfString(octets, at)
    else if (OPEN.has(octet)) {
      values++
      if (++depth > MAX_DEPTH) throw new ApiProblem('too-large', `the body has more than ${MAX_DEPTH} levels`)
    } else if (CLOSE.has(octet)) depth--
    else if (octet === COMMA) values++
    else if (octet === COLON) members++
    if (values > MAX_VALUES) throw new ApiProblem('too-large', `the body has more than ${MAX_VALUES} values`)
  }
  return members
}

function endOfString(octets: Buffer, start: number): number {
  for (let at = start + 1; ; at++) {
    at = octets.indexOf(QUOTE, at)
    if (at === -1) return octets.length
    let backslashes = 0
    while (octets[at - 1 - backslashes] === BACKSLASH) backslashes++
    if (backslashes % 2 === 0) return at
  }
}

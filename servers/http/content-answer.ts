import { createHash } from 'node:crypto'
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { assertAcceptable } from './accept.ts'
import { answerBody } from './body.ts'
import type { Env } from './env.ts'

/** Header fields of every answer. */
export const SAFE_HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  'X-Frame-Options': 'SAMEORIGIN',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

/** Header fields of a stream of events. nginx would hold the events back. */
export const STREAM_HEADERS = { 'X-Accel-Buffering': 'no' }

/** Larger answers have no entity tag: hashing them would keep other clients waiting. */
const MAX_TAGGED_OCTETS = 1024 * 1024

interface AnsweredContent {
  readonly type: string
  readonly octets: Buffer | string
  readonly headers?: Readonly<Record<string, string>>
  /** Default: 200. */
  readonly status?: number
  /** A value that differs after each change of the resource. The entity tag begins with it. Default: the content alone. */
  readonly version?: string
}

/**
 * Answers with content. An answer to GET or HEAD has an entity tag; a client that names it in If-None-Match gets 304
 * without content. RFC 9110 sections 8.8.3, 13.1.2 and 15.4.5. @throws ApiProblem `not-acceptable`
 */
export function contentAnswer(
  c: Context<Env>,
  { type, octets, headers = {}, status = 200, version }: AnsweredContent,
): Response {
  const isRead = c.req.method === 'GET' || c.req.method === 'HEAD'
  // A change has happened already, whatever its answer.
  if (isRead) assertAcceptable(c.req.header('Accept'), [type])
  const tag = isRead ? tagOf(octets, version) : version
  const fields = { ...(tag === undefined ? {} : { ETag: `"${tag}"` }), ...headers }
  const etag = fields.ETag
  if (isRead && etag !== undefined && isKnown(etag, c.req.header('If-None-Match'))) return c.body(null, 304, fields)
  const content = { 'Content-Type': type, ...fields }
  if (c.req.method === 'HEAD') return c.body(null, 200, { ...content, 'Content-Length': `${lengthOf(octets)}` })
  return c.body(answerBody(octets, c) as never, status as ContentfulStatusCode, content)
}

const lengthOf = (octets: Buffer | string): number => Buffer.byteLength(octets)

function tagOf(octets: Buffer | string, version: string | undefined): string | undefined {
  if (lengthOf(octets) > MAX_TAGGED_OCTETS) return undefined
  const hash = createHash('sha256').update(octets).digest('base64url').slice(0, 22)
  return version === undefined ? hash : `${version}.${hash}`
}

/** Compares as RFC 9110 section 8.8.3.2 does for If-None-Match: without the mark of weak tags. */
const isKnown = (etag: string, field = ''): boolean =>
  field.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === etag.replace(/^W\//, ''))

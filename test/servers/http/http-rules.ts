import { expect } from 'vitest'
import { outputTypes, takesBody } from '../../../src/api/openapi/parameters.ts'
import type { Operation } from '../../../src/api/operation.ts'
import type { Answer } from './client.ts'
import type { OperationCall } from './operation-cases.ts'

type Send = (call: OperationCall, headers?: Readonly<Record<string, string>>) => Promise<Answer>

/** Operations whose answers tell of the time, of the requests themselves, or of work that goes on. */
const changing = [
  'cluster.get',
  'status.get',
  'clock.get',
  'health.get',
  'statistics.get',
  'virtualServers.list',
  'feeds.list',
  'feeds.get',
  'feeds.queue',
  'webhooks.list',
  'webhooks.deliveries',
  'jobs.list',
]

/**
 * Checks the rules of RFC 9110 that hold for every operation, after it has been called.
 * @param answer the answer to the call
 * @param send sends the call again, with further header fields
 */
export async function checkHttpRules(operation: Operation, call: OperationCall, answer: Answer, send: Send) {
  expect(otherTimes(answer.body)).toEqual([])
  if (operation.method === 'GET') {
    await checkHead(call, answer, send)
    if (!changing.includes(operation.name)) await checkConditions(call, send)
    if (operation.listKey !== undefined) await checkPages(call, operation.listKey, send)
  }
  // RFC 9110 section 10.2.2: what was created can be read there.
  if (answer.status === 201) {
    const location = answer.headers.get('location') ?? ''
    expect(location).toMatch(/^\/api\/v1\/\w/)
    expect((await send({ path: location })).status, location).toBe(200)
  }
  // Refused calls have no effect.
  if (outputTypes(operation).length > 0) {
    const refused = await send(call, { accept: 'application/x-nothing, */*;q=0' })
    expect([refused.status, refused.body.type]).toEqual([406, expect.stringMatching(/not-acceptable$/)])
  }
  if (takesBody(operation)) {
    const { json: _, ...rest } = call
    for (const type of ['text/plain', 'application/pkcs10', 'text/xml'].filter(
      (one) => !operation.upload?.includes(one),
    )) {
      expect((await send({ ...rest, body: '{}', type })).status, type).toBe(415)
    }
  }
}

/** Returns the times in an answer that are not in RFC 3339 with milliseconds in UTC, with their keys. */
function otherTimes(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, one]) => {
    if (!/^at$|At$/.test(key) || one === null) return otherTimes(one)
    return typeof one === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(one) ? [] : [[key, one]]
  })
}

/** A list that is answered as a whole can also be read in pages. */
async function checkPages(call: OperationCall, key: string, send: Send): Promise<void> {
  const at = (query: string): OperationCall => {
    const [path = '', given = ''] = call.path.split('?')
    return {
      ...call,
      path: `${path}?${new URLSearchParams({ ...Object.fromEntries(new URLSearchParams(given)), limit: '2' })}${query}`,
    }
  }
  const { items, total } = (await send({ ...call, path: call.path.replace(/\blimit=\d+/, '') })).body
  const keys = (some: readonly Record<string, unknown>[]): unknown[] => some.map((one) => one[key])
  const found: unknown[] = []
  for (let next: string | null = ''; next !== null; ) {
    const { body } = await send(at(next === '' ? '' : `&cursor=${next}`))
    expect([body.total, body.items.length]).toEqual([items.length, Math.min(2, items.length - found.length)])
    found.push(...keys(body.items))
    next = body.next
  }
  expect([found, total]).toEqual([keys(items), items.length])
}

/** RFC 9110 section 9.3.2. */
async function checkHead(call: OperationCall, answer: Answer, send: Send): Promise<void> {
  const head = await send({ ...call, method: 'HEAD' })
  expect([head.status, head.body]).toEqual([answer.status, ''])
  for (const name of ['content-type', 'content-disposition', 'cache-control', 'content-security-policy']) {
    expect(head.headers.get(name), name).toBe(answer.headers.get(name))
  }
  expect(Number(head.headers.get('content-length'))).toBeGreaterThan(0)
}

/** RFC 9110 sections 8.8.3 and 13.1.2. */
async function checkConditions(call: OperationCall, send: Send): Promise<void> {
  const etag = (await send(call)).headers.get('etag') ?? ''
  expect(etag).toMatch(/^"[\w.-]+"$/)
  expect((await send({ ...call, method: 'HEAD' })).headers.get('etag')).toBe(etag)
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const { status, body, headers } = await send(call, { 'if-none-match': known })
    expect([status, body, headers.get('etag')], known).toEqual([304, '', etag])
  }
  expect((await send(call, { 'if-none-match': '"other"' })).status).toBe(200)
}

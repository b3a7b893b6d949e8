import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import pino from 'pino'
import { afterAll, expect, it } from 'vitest'
import { operationNamed } from '../../src/api/invoke.ts'
import { pathParameters } from '../../src/api/openapi/parameters.ts'
import type { Operation } from '../../src/api/operation.ts'
import { operations } from '../../src/api/operations.ts'
import { documented, mistakesIn, undocumented } from '../servers/http/documented.ts'
import { anyCall, type FuzzCall, sweep } from './operations/calls.ts'
import { FuzzedLab, type SentCall } from './operations/lab.ts'
import { seedOf, timeOf } from './rounds.ts'

/** Sequences of calls. `npm run test:fuzz` makes more. */
const rounds = Number(process.env.SEALPOST_FUZZ_ROUNDS ?? 20)
const seed = seedOf(1825)

/** In another century, the certificates of the lab have expired, and it logs that. */
const called = operations.filter(({ name }) => !name.startsWith('clock.'))

const LIMIT_MS = 7_200_000
/** Errors that the lab logs. Nothing that a client sends may cause one. */
const errors: string[] = []

const sink = new PassThrough()
sink.on('data', (line: Buffer) => errors.push(line.toString()))
const fuzzed = await FuzzedLab.start({ log: pino({ level: 'error' }, sink) })
afterAll(() => fuzzed[Symbol.asyncDispose]())

/** Returns what is wrong with an answer, whatever the request was. */
function defectsOf({ call, input, answer }: SentCall): string[] {
  const { mode, damage } = call
  const operation = operationNamed(call.operation)
  const { status, headers, body } = answer
  const isClean = mode === 'valid' && damage === 'none'
  return [
    ...(status >= 500 ? [`answers ${status}: ${JSON.stringify(body)}`] : []),
    ...(headers.get('x-content-type-options') === 'nosniff' ? [] : ['has no X-Content-Type-Options']),
    ...(STACK.test(JSON.stringify(body)) ? ['shows a stack or a file of the lab'] : []),
    ...(headers.has('x-injected') ? ['has a field that the request injected'] : []),
    ...(leavesPath(operation, input) ? [] : undocumented(operation, answer)),
    ...(isClean && isByShape(operation, input, status, body)
      ? [`refuses what its schema allows: ${JSON.stringify(body)}`]
      : []),
    ...(status < 300 && operation.method !== 'GET' ? acceptedMistakes(operation, input) : []),
  ]
}

/** A line of a stack, or the place of a module. */
const STACK = /\bat [\w.<>[\] ]+ \([^)]*:\d+:\d+\)|node:internal|node_modules|\/(?:src|servers)\/[\w/-]+\.[jt]s\b/

/** Returns whether the path is that of another resource. RFC 3986 section 5.2.4. */
const leavesPath = ({ path }: Operation, input: Readonly<Record<string, unknown>>): boolean =>
  pathParameters(path).some((name) => ['', '.', '..'].includes(`${input[name]}`))

/**
 * Operations whose input is a part of a configuration, as that of others with `configured` is, or a Sieve script: its schema
 * cannot tell which values go together, or which texts are scripts.
 */
const CONFIGURATION = /^(?:faults\.(?:add|update)|configuration\.|scripts\.put|virtualServers\.)/

/** The refusal of a time that is too short or too long. The schema can tell only how times are written. */
const TIME_RANGE = /write at (?:most|least) \d+(?:ms|[smhd])$/

/** Returns whether the schema of the input has refused a request. */
const isByShape = (
  { name }: Operation,
  { configured }: Readonly<Record<string, unknown>>,
  status: number,
  { errors: mistakes }: { errors?: readonly { readonly message: string; readonly place?: string }[] },
): boolean =>
  (status === 400 || status === 422) &&
  mistakes !== undefined &&
  // A mistake with a place is one of the whole configuration, such as an account that it does not have.
  !mistakes.every(({ message, place }) => place !== undefined || TIME_RANGE.test(message)) &&
  !CONFIGURATION.test(name) &&
  configured !== true

/** Returns what is wrong with the JSON of a request that the lab has accepted. */
function acceptedMistakes(operation: Operation, input: object): string[] {
  const schema = documented(operation).requestBody?.content['application/json']?.schema
  if (schema === undefined) return []
  const inPath = pathParameters(operation.path)
  const body = Object.fromEntries(Object.entries(input).filter(([name]) => !inPath.includes(name)))
  return mistakesIn(JSON.parse(JSON.stringify(body)), schema).map((why) => `accepts what its schema forbids: ${why}`)
}

const show = ({ call: { operation, mode, caller, base, damage, upload }, input, answer }: SentCall): string =>
  `${operation} (${mode}, ${caller}, ${base}, ${damage}) ${JSON.stringify(input).slice(0, 500)} ${JSON.stringify(upload ?? '').slice(0, 200)}: ${answer.status}`

/** Makes a call. Returns it as text, with what is wrong with its answer. */
async function make(call: FuzzCall): Promise<{ readonly text: string; readonly defects: readonly string[] }> {
  const sent = await fuzzed.send(call)
  const text = show(sent)
  return { text, defects: [...defectsOf(sent), ...errors.splice(0)].map((one) => `${text}\n  ${one}`) }
}

it(
  `sequences of calls are answered as documented (seed ${seed})`,
  async () => {
    let sequences = 0
    const property = fc.asyncProperty(
      fc.array(anyCall(called), { minLength: 1, maxLength: 30, size: 'max' }),
      async (calls) => {
        if (sequences++ % 4 === 0) await fuzzed.prepare()
        const made: string[] = []
        for (const call of calls) {
          const { text, defects } = await make(call)
          if (defects.length > 0) throw new Error(`${defects.join('\n')}\nafter\n${made.join('\n')}`)
          made.push(text)
        }
      },
    )
    const timeMs = timeOf()
    const limits = timeMs === undefined ? { numRuns: rounds } : { numRuns: 1e9, interruptAfterTimeLimit: timeMs }
    await fc.assert(property, { seed, ...limits, endOnFailure: true })
    if (timeMs !== undefined) console.log(`sequences of calls: ${sequences} executions`)
  },
  LIMIT_MS,
)

it(
  `answers hostile values in every place as documented (seed ${seed})`,
  async () => {
    const calls = sweep(called, seed)
    // With 2,000 rounds all of them.
    const step = Math.max(1, Math.round(2_000 / rounds))
    const chosen = calls.filter((_, index) => (index + seed) % step === 0)
    expect(chosen.length).toBeGreaterThan(operations.length)
    const found: string[] = []
    for (const [at, call] of chosen.entries()) {
      if (at % 100 === 0) await fuzzed.prepare()
      found.push(...(await make(call)).defects)
    }
    expect(found).toEqual([])
  },
  LIMIT_MS,
)

it('the lab works afterwards', async () => {
  const { http } = fuzzed
  const headers = { authorization: `Bearer ${'ci-token'.repeat(4)}` }
  await http.request('reset', { json: {}, headers })
  const { status } = await http.request('messages', { json: { to: ['alice'], subject: 'Still here' }, headers })
  expect(status).toBe(201)
  expect((await http.request('messages?query=subject:still', { headers })).body.total).toBe(1)
  await expect.poll(async () => (await http.request('status', { headers })).body.memory.messages).toBe(0)
})

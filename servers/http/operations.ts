import type { Context } from 'hono'
import type { Api } from '../../src/api/api.ts'
import { assertAccess, type Caller } from '../../src/api/caller.ts'
import { parseInput } from '../../src/api/invoke.ts'
import { Content, type Operation, type Upload } from '../../src/api/operation.ts'
import { ApiProblem } from '../../src/api/problem.ts'
import type { ServerContext } from '../service.ts'
import type { Env } from './env.ts'

/** Longest JSON body. Messages have the limit of the virtual server. */
const MAX_JSON_OCTETS = 32 * 1024 * 1024

/** Runs an operation for a request, and answers with its result. @throws ApiProblem, and the errors of the lab */
export async function runOperation(
  operation: Operation,
  api: Api,
  caller: Caller,
  c: Context<Env>,
  context: ServerContext,
): Promise<Response> {
  assertAccess(caller, operation.access)
  const upload = operation.upload && (await uploadOf(operation.upload, c, context.config.limits.messageSize))
  const input = await inputOf(operation, c, upload !== undefined)
  const call = { api, caller, input, signal: c.req.raw.signal, ...(upload ? { upload } : {}) }
  const result = await operation.run(call)
  if (result instanceof Content) {
    return c.body(result.octets as never, 200, { 'Content-Type': result.type, ...result.headers })
  }
  if (operation.output === undefined) return c.body(null, 204)
  return c.json(result as never, operation.status ?? 200)
}

/** Reads the body of an upload. @throws ApiProblem `unsupported-type`, `too-large` */
async function uploadOf(types: readonly string[], c: Context<Env>, maxOctets: number): Promise<Upload> {
  const type = c.req.header('Content-Type')?.split(';')[0]?.trim().toLowerCase() ?? ''
  if (!types.includes(type))
    throw new ApiProblem('unsupported-type', `send ${types.join(' or ')}, not ${type || 'nothing'}`)
  return { type, octets: await bodyOf(c, maxOctets) }
}

async function bodyOf(c: Context<Env>, maxOctets: number): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let octets = 0
  for await (const part of c.req.raw.body ?? []) {
    octets += part.length
    if (octets > maxOctets) throw new ApiProblem('too-large', `the body is longer than ${maxOctets} octets, the limit`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/** Returns the validated input: path parameters, and those of the query or the JSON body. @throws ApiProblem */
async function inputOf(operation: Operation, c: Context<Env>, hasUpload: boolean): Promise<unknown> {
  const { tenant: _, ...params } = c.req.param() as Record<string, string>
  const inQuery = hasUpload || operation.method === 'GET' || operation.method === 'DELETE'
  const given = inQuery ? queryOf(operation, c) : await jsonOf(c)
  return parseInput(operation, { ...given, ...params }, inQuery ? 'parameters' : 'json')
}

function queryOf(operation: Operation, c: Context<Env>): Record<string, string> {
  const given: Record<string, string> = {}
  for (const [name, values] of Object.entries(c.req.queries())) {
    if (values.length > 1) throw new ApiProblem('bad-request', `${name}: is given ${values.length} times; give it once`)
    given[name] = values[0] ?? ''
  }
  for (const name of Object.keys(c.req.param())) {
    if (name in given && name !== 'tenant')
      throw new ApiProblem('bad-request', `${name}: is a part of the path of ${operation.path}`)
  }
  return given
}

/** Returns the JSON object in the body; an empty one without a body. @throws ApiProblem `bad-request`, `invalid`, `too-large` */
export async function jsonOf(c: Context<Env>): Promise<Record<string, unknown>> {
  const text = (await bodyOf(c, MAX_JSON_OCTETS)).toString('utf8')
  if (text.trim() === '') return {}
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new ApiProblem('bad-request', `the body is not JSON: ${(error as Error).message}`)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new ApiProblem('invalid', 'the body must be a JSON object, such as { "subject": "Hello" }')
}

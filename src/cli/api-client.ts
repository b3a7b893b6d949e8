import type { Command } from 'commander'
import { definedOnly } from '../common/defined.ts'
import { askLab } from '../lab/control/client.ts'
import { type ConfigurationOptions, withConfig } from './configuration.ts'
import { UsageError } from './failure.ts'
import { runningLabs } from './running-labs.ts'

/** Options that select a running lab: one of this machine by its configuration, or one anywhere by its HTTP API. */
export interface ApiOptions extends ConfigurationOptions {
  readonly url?: string
  readonly token?: string
  readonly tokenFile?: string
}

/** Adds `--config`, `--url` and `--token`. */
export function withApi(command: Command): Command {
  return withConfig(command)
    .option(
      '--url <url>',
      'URL of an HTTP virtual server of the lab, also on another machine (default: the running lab of the file)',
    )
    .option('--token <token>', 'token for --url (default: SEALPOST_TOKEN)')
    .option('--token-file <file>', 'file whose first line is the token')
}

/** A problem document. RFC 9457. */
interface Problem {
  readonly type: string
  readonly status: number
  readonly detail: string
  readonly [member: string]: unknown
}

/** An operation that the lab refused. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly problem: Problem
  constructor(problem: Problem) {
    super(problem.detail)
    this.problem = problem
  }
}

interface Answer {
  readonly result?: unknown
  readonly content?: { readonly type: string; readonly base64: string }
  readonly problem?: Problem
}

/**
 * Runs an operation of the API. Content that is not JSON is returned as a Buffer.
 * @param signal ends the call
 * @throws ApiError if the lab refuses it
 */
export async function callApi(
  options: ApiOptions,
  name: string,
  input: Record<string, unknown> = {},
  signal?: AbortSignal,
): Promise<unknown> {
  const call = { name, input: definedOnly(input), ...(signal ? { signal } : {}) }
  const { result, content, problem } = await (options.url === undefined
    ? overSocket(options, call)
    : overHttp(options, call))
  if (problem) throw new ApiError(problem)
  if (!content) return result
  const octets = Buffer.from(content.base64, 'base64')
  return JSON_TYPE.test(content.type) ? JSON.parse(octets.toString('utf8')) : octets
}

const JSON_TYPE = /^application\/json\b/

interface ApiCall {
  readonly name: string
  readonly input: Readonly<Record<string, unknown>>
  readonly signal?: AbortSignal
}

async function overSocket(options: ApiOptions, { name, input, signal }: ApiCall): Promise<Answer> {
  if (options.token !== undefined || options.tokenFile !== undefined)
    throw new UsageError('--token is for --url; the owner of a lab needs none')
  const [socket = ''] = await runningLabs(options)
  return (await askLab(socket, { verb: 'call', args: { name, input } }, signal)) as Answer
}

async function overHttp(options: ApiOptions, { name, input, signal }: ApiCall): Promise<Answer> {
  const { operationNamed } = await import('../api/invoke.ts')
  const { method, path } = operationNamed(name)
  const rest = { ...input }
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, key: string) => {
    if (rest[key] === undefined) throw new UsageError(`${key} is missing`)
    const value = String(rest[key])
    delete rest[key]
    return encodeURIComponent(value)
  })
  const url = new URL(`${(options.url ?? '').replace(/\/+$/, '')}/api/v1${filled}`)
  const inQuery = method === 'GET' || method === 'DELETE'
  if (inQuery) for (const [key, value] of Object.entries(rest)) url.searchParams.set(key, String(value))
  const token = await tokenOf(options)
  const response = await fetch(url, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(inQuery ? {} : { 'content-type': 'application/json' }),
    },
    ...(inQuery ? {} : { body: JSON.stringify(rest) }),
    ...(signal ? { signal } : {}),
  }).catch((error: Error) => {
    const { cause } = error as { cause?: Error }
    throw new Error(`${url.origin} cannot be reached: ${cause?.message || error.message}`, { cause: error })
  })
  return answerOf(response, url)
}

async function answerOf(response: Response, url: URL): Promise<Answer> {
  const type = response.headers.get('content-type') ?? ''
  if (/^application\/problem\+json/.test(type)) return { problem: (await response.json()) as Problem }
  if (!response.ok)
    throw new Error(`${url.origin} answers ${response.status} ${response.statusText}: is it a Sealpost lab?`)
  if (response.status === 204) return { result: null }
  return { content: { type, base64: Buffer.from(await response.arrayBuffer()).toString('base64') } }
}

async function tokenOf({ token, tokenFile }: ApiOptions): Promise<string | undefined> {
  if (token !== undefined && tokenFile !== undefined) throw new UsageError('give --token or --token-file, not both')
  if (tokenFile === undefined) return token ?? process.env.SEALPOST_TOKEN
  const { readInput } = await import('./files.ts')
  return (await readInput(tokenFile)).toString('utf8').split(/\r?\n/)[0]?.trim()
}

import type { Command } from 'commander'
import type { InputOf, OperationName, OutputOf } from '../../api/operation-types.ts'
import { omitUndefined } from '../../core/values/omit-undefined.ts'
import { askLab } from '../../lab/control/client.ts'
import { type ConfigurationOptions, configurationIdentity, withConfig } from './configuration.ts'
import { ApiError, type Problem, UsageError } from './failure.ts'
import { controlSockets, runningLabs } from './running-labs.ts'
import { sharedOptions } from './shared-options.ts'

/** Options that select a running lab: one of this machine by its configuration, or one anywhere by its HTTP API. */
export interface ApiOptions extends ConfigurationOptions {
  readonly url?: string
  readonly token?: string
  readonly tokenFile?: string
}

/** Adds `--config`, `--url` and `--token`. */
export function withApi(command: Command): Command {
  const { url, token, tokenFile } = sharedOptions
  return withConfig(command).addOption(url).addOption(token).addOption(tokenFile)
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
export const callApi = <Name extends OperationName>(
  options: ApiOptions,
  name: Name,
  input: InputOf<Name>,
  signal?: AbortSignal,
) => callNamed(options, name, input, signal) as Promise<OutputOf<Name>>

/** Runs an operation that only the lab knows, as `callApi` does. */
export async function callNamed(
  options: ApiOptions,
  name: string,
  input: unknown,
  signal?: AbortSignal,
): Promise<unknown> {
  const call = { name, input: omitUndefined(input as object), ...(signal ? { signal } : {}) }
  const { result, content, problem } = await (options.url === undefined
    ? callOverSocket(options, call)
    : callOverHttp(options, call))
  if (problem) throw new ApiError(problem)
  if (!content) return result
  const octets = Buffer.from(content.base64, 'base64')
  return JSON_TYPE.test(content.type) ? JSON.parse(octets.toString('utf8')) : octets
}

const JSON_TYPE = /^application\/json\b/

interface ApiCall {
  readonly name: string
  readonly input: object
  readonly signal?: AbortSignal
}

/** Returns whether a lab answers: one on this machine that runs the configuration, or the one of `--url`. */
export const hasLab = async (options: ApiOptions): Promise<boolean> =>
  options.url !== undefined || (await controlSockets(configurationIdentity(options).identity)).length > 0

/** Returns the control socket of the running lab. @throws UsageError for the options of `--url` */
export async function socketOf(options: ApiOptions): Promise<string> {
  if (options.token !== undefined || options.tokenFile !== undefined)
    throw new UsageError('--token works only with --url; leave it out')
  const [socket = ''] = await runningLabs(options)
  return socket
}

async function callOverSocket(options: ApiOptions, { name, input, signal }: ApiCall): Promise<Answer> {
  return (await askLab(await socketOf(options), { verb: 'call', args: { name, input } }, signal)) as Answer
}

async function callOverHttp(options: ApiOptions, { name, input, signal }: ApiCall): Promise<Answer> {
  const { operationNamed } = await import('../../api/invoke.ts')
  const { method, path } = operationNamed(name)
  const rest: Record<string, unknown> = { ...input }
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, key: string) => {
    if (rest[key] === undefined) throw new UsageError(`${key} is missing`)
    const value = String(rest[key])
    delete rest[key]
    return encodeURIComponent(value)
  })
  const url = apiUrl(options, filled)
  const inQuery = method === 'GET' || method === 'DELETE'
  if (inQuery) for (const [key, value] of Object.entries(rest)) url.searchParams.set(key, String(value))
  const content = inQuery ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(rest) }
  return readAnswer(await request(options, url, { method, ...content, ...(signal ? { signal } : {}) }), url)
}

/** Returns the URL of a path below `/api/v1`. @throws UsageError */
export function apiUrl({ url = '' }: ApiOptions, path: string): URL {
  const full = `${url.replace(/\/+$/, '')}/api/v1${path}`
  const isHttp = URL.canParse(full) && /^https?:$/.test(new URL(full).protocol)
  if (!isHttp) throw new UsageError(`--url: ${url} is not an http or https URL; write it as http://localhost:8025`)
  return new URL(full)
}

/** Sends a request with the token of the options. @throws Error if the lab cannot be reached */
export async function request(options: ApiOptions, url: URL, { headers, ...init }: RequestInit): Promise<Response> {
  const token = await tokenOf(options)
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
  return fetch(url, { ...init, headers: { ...headers, ...authorization } }).catch((error: Error) => {
    const { cause } = error as { cause?: Error & { code?: string } }
    const reason =
      cause?.code === 'ECONNREFUSED'
        ? 'nothing listens on this port; start the lab, or check host and port'
        : cause?.message === 'bad port'
          ? `browsers and Node.js refuse port ${url.port} for HTTP; check the port`
          : cause?.message || error.message
    throw new Error(`${url.origin} cannot be reached: ${reason}`, { cause: error })
  })
}

/** Reads the answer of an operation. @throws Error if it is not one of a lab */
export async function readAnswer(response: Response, url: URL): Promise<Answer> {
  const type = response.headers.get('content-type') ?? ''
  if (/^application\/problem\+json/.test(type)) return { problem: (await response.json()) as Problem }
  if (!response.ok)
    throw new Error(`${url.origin} answers ${response.status} ${response.statusText}: is it a Sealpost lab?`)
  if (response.status === 204) return { result: null }
  return { content: { type, base64: Buffer.from(await response.arrayBuffer()).toString('base64') } }
}

/** Returns the token: of the options, else of `SEALPOST_TOKEN`, else of the file that `SEALPOST_TOKEN_FILE` names. */
async function tokenOf({ token, tokenFile }: ApiOptions): Promise<string | undefined> {
  if (token !== undefined && tokenFile !== undefined) throw new UsageError('give --token or --token-file, not both')
  const known = token ?? (tokenFile === undefined ? process.env.SEALPOST_TOKEN : undefined)
  const file = tokenFile ?? process.env.SEALPOST_TOKEN_FILE
  if (known !== undefined || !file) return known
  const { readInput } = await import('./files.ts')
  return (await readInput(file)).toString('utf8').split(/\r?\n/)[0]?.trim()
}

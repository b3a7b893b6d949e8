import type { Context } from 'hono'
import type { Api } from '../../../src/api/api.ts'
import { ApiProblem } from '../../../src/api/problem.ts'
import type { JmapLimits } from '../../../src/core/config/schema/jmap.ts'
import type { Connection } from '../../../src/net/connection.ts'
import type { ServerContext } from '../../service.ts'
import { parseIJson } from '../body.ts'
import type { Env } from '../env.ts'
import { MAX_ANSWER_OCTETS } from './email-view.ts'
import { changedBy } from './push.ts'
import { type Envelope, envelopeOf, RequestError, requestErrorTypes, run } from './request.ts'
import { isCapability, type SessionFacts, sessionState } from './session-object.ts'
import type { JsonObject } from './types.ts'

/** The facts of a request for a route. */
export interface JmapCall extends SessionFacts {
  readonly api: Api
  readonly context: ServerContext
  readonly c: Context<Env>
  readonly connection: Connection
  readonly record: Connection['record']
}

/** The facts of a request to the API, over HTTP or WebSocket. */
export interface RequestFacts extends Omit<JmapCall, 'c'> {
  readonly signal: AbortSignal
  /** Called if a fault cuts the response in the middle. */
  readonly cut: () => void
}

/** The methods that change something. */
const CHANGES = /^(?:Mailbox|Identity|EmailSubmission|VacationResponse|SieveScript)\/set$/

/** Answers a request to the API. RFC 8620 section 3.4. @throws RequestError */
export async function respond(facts: RequestFacts, value: unknown): Promise<JsonObject> {
  const { api, context, account, limits, signal, record } = facts
  const { using, methodCalls, createdIds } = envelopeOf(value)
  const unknown = using.find((name) => !isCapability(name))
  if (unknown !== undefined) throw new RequestError('unknownCapability', `the lab does not have ${unknown}`)
  if (methodCalls.length > limits.maxCallsInRequest)
    throw new RequestError('limit', `the request has ${methodCalls.length} calls`, 'maxCallsInRequest')
  const ids = new Map(Object.entries(createdIds ?? {}))
  const own = { using: new Set(using), createdIds: ids, answer: { octetsLeft: MAX_ANSWER_OCTETS } }
  const request = { api, context, account, limits, ...own, signal, record }
  for (const [name, , callId] of methodCalls) record.line('in', shown(name, callId))
  const faults = await faultsAt(facts, methodCalls)
  const methodResponses = await run(request, { methodCalls }, faults)
  for (const [name, { type }, callId] of methodResponses)
    record.line('out', shown(name === 'error' ? `${name} ${type}` : name, callId))
  if (methodResponses.some(([name]) => CHANGES.test(name))) changedBy(api, account.id)
  const created = createdIds && { createdIds: Object.fromEntries(ids) }
  return { methodResponses, ...created, sessionState: sessionState(facts) }
}

/** Returns a call or a response as the transcript has it: arguments may hold whole messages. */
const shown = (name: string, callId: string): string => `${name.slice(0, 100)} ${callId.slice(0, 100)}`

/** Injects the faults at the calls. Returns the errors that take their place. @throws RequestError */
async function faultsAt(
  { connection, signal, cut }: RequestFacts,
  calls: Envelope['methodCalls'],
): Promise<ReadonlyMap<number, string>> {
  const found = new Map<number, string>()
  for (const [index, [name, args]] of calls.entries()) {
    const { error: type, drop } = (await connection.callFault(() => `${name} ${JSON.stringify(args)}`, signal)) ?? {}
    if (drop === 'mid-reply') cut()
    else if (drop !== undefined) throw new ApiProblem('busy', 'a fault has closed the connection')
    if (type === undefined) continue
    const ofRequest = requestErrorTypes.find((one) => one === type)
    if (ofRequest) throw new RequestError(ofRequest, 'a fault of the lab', type === 'limit' ? FAULT_LIMIT : undefined)
    found.set(index, type)
  }
  return found
}

/** The limit that a fault names. RFC 8620 section 3.6.1: every error of this type names one. */
const FAULT_LIMIT = 'maxConcurrentRequests'

/** Parses the octets of a request. @throws RequestError `notJSON`, or `limit` */
export function parseRequest(octets: Buffer): unknown {
  try {
    return parseIJson(octets)
  } catch (error) {
    throw requestErrorOf(error)
  }
}

/** Returns the error of the request for a problem of its body; other errors as they are. */
export function requestErrorOf(error: unknown, limit: keyof JmapLimits = 'maxSizeRequest'): unknown {
  if (!(error instanceof ApiProblem)) return error
  const isTooLarge = error.problem === 'too-large'
  return new RequestError(isTooLarge ? 'limit' : 'notJSON', error.message, isTooLarge ? limit : undefined)
}

/** Returns the problem document of an error. RFC 8620 section 3.6.1. */
export const problemDetails = ({ type, message: detail, limit }: RequestError): JsonObject => ({
  type: `urn:ietf:params:jmap:error:${type}`,
  status: 400,
  detail,
  ...(limit !== undefined && { limit }),
})

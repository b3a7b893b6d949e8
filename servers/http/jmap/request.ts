import { MemoryLimitReached } from '../../../src/core/octets/memory-budget.ts'
import { isMapping } from '../../../src/core/values/mapping.ts'
import { StoreError, type StoreErrorCode } from '../../../src/storage/store/errors.ts'
import { methods } from './methods.ts'
import { type Response, resolved } from './references.ts'
import { type JmapRequest, type JsonObject, MethodError, shownValue } from './types.ts'

export const requestErrorTypes = ['unknownCapability', 'notJSON', 'notRequest', 'limit'] as const
type RequestErrorType = (typeof requestErrorTypes)[number]

/** A request that is refused as a whole. RFC 8620 section 3.6.1. */
export class RequestError extends Error {
  override readonly name = 'RequestError'
  /** Without `urn:ietf:params:jmap:error:`. */
  readonly type: RequestErrorType
  readonly limit: string | undefined
  constructor(type: RequestError['type'], detail: string, limit?: string) {
    super(detail)
    this.type = type
    this.limit = limit
  }
}

/** A Request object. RFC 8620 section 3.3. */
export interface Envelope {
  readonly using: readonly string[]
  readonly methodCalls: readonly (readonly [name: string, args: JsonObject, callId: string])[]
  readonly createdIds?: Readonly<Record<string, string>>
}

/** Returns a JSON value as a Request object. @throws RequestError `notRequest` */
export function envelopeOf(value: unknown): Envelope {
  const { using, methodCalls, createdIds } = isMapping(value) ? value : {}
  const isCall = (call: unknown): boolean =>
    Array.isArray(call) &&
    call.length === 3 &&
    typeof call[0] === 'string' &&
    isMapping(call[1]) &&
    typeof call[2] === 'string'
  if (!Array.isArray(using) || !using.every((one) => typeof one === 'string'))
    throw new RequestError('notRequest', '`using` is not a list of capabilities')
  if (!Array.isArray(methodCalls) || !methodCalls.every(isCall))
    throw new RequestError('notRequest', '`methodCalls` is not a list of [name, arguments, method call id]')
  const isIds = isMapping(createdIds) && Object.values(createdIds).every((id) => typeof id === 'string')
  if (createdIds !== undefined && !isIds) throw new RequestError('notRequest', '`createdIds` is not a map of ids')
  return value as Envelope
}

/**
 * Runs the method calls of a request, one after the other. Returns the responses. RFC 8620 section 3.4.
 * @param faults the types of the errors that take the place of calls, by their positions
 */
export async function run(
  request: JmapRequest,
  { methodCalls }: Pick<Envelope, 'methodCalls'>,
  faults: ReadonlyMap<number, string> = new Map(),
): Promise<Response[]> {
  const responses: Response[] = []
  const budget = { left: request.limits.maxSizeRequest }
  for (const [index, [name, args, callId]] of methodCalls.entries()) {
    request.signal.throwIfAborted()
    const fault = faults.get(index)
    const answered =
      fault === undefined
        ? await answers(request, name, () => resolved(args, responses, budget))
        : [['error', { type: fault, description: 'a fault of the lab' }] as const]
    for (const [answer, result] of answered) responses.push([answer, result, callId])
  }
  return responses
}

async function answers(
  request: JmapRequest,
  name: string,
  given: () => JsonObject,
): Promise<readonly (readonly [string, JsonObject])[]> {
  try {
    const method = methods.get(name)
    if (!method || !request.using.has(method.capability))
      throw new MethodError(
        'unknownMethod',
        method ? `${name} needs ${method.capability} in \`using\`` : `there is no method ${name}`,
      )
    const args = given()
    if (!method.isOfSession && args.accountId !== request.account.id)
      throw args.accountId === undefined
        ? new MethodError('invalidArguments', 'accountId is missing')
        : new MethodError('accountNotFound', `the session has no account ${shownValue(args.accountId)}`)
    const result = await method.run({ ...request, name, args })
    if (!('implicit' in result)) return [[name, result]]
    const { response, implicit } = result as { response: JsonObject; implicit: readonly [string, JsonObject][] }
    return [[name, response], ...implicit]
  } catch (error) {
    return [['error', errorOf(error, request)]]
  }
}

const storeErrors: Partial<Readonly<Record<StoreErrorCode, string>>> = {
  'read-only': 'accountReadOnly',
  closed: 'serverUnavailable',
  failed: 'serverUnavailable',
  unknown: 'serverPartialFail',
}

/** Returns the arguments of an error response. RFC 8620 section 3.6.2. */
function errorOf(error: unknown, { signal, api }: JmapRequest): JsonObject {
  if (error instanceof MethodError) return { type: error.type, description: error.message, ...error.more }
  signal.throwIfAborted()
  if (error instanceof StoreError) return { type: storeErrors[error.code] ?? 'serverFail', description: error.message }
  if (error instanceof MemoryLimitReached) return { type: 'serverUnavailable', description: error.message }
  api.lab.logError(error, 'a JMAP method failed')
  return { type: 'serverFail', description: error instanceof Error ? error.message : String(error) }
}

import { isMapping } from '../../../src/core/values/mapping.ts'
import { invalid, type JsonObject, MethodError } from './types.ts'

/** A response of a method, as a request has it: name, arguments and method call id. RFC 8620 section 3.4. */
export type Response = readonly [name: string, args: JsonObject, callId: string]

const badReference = (description: string): MethodError => new MethodError('invalidResultReference', description)

/** Values that a reference may lead to. */
const MAX_VALUES = 100_000

/** The octets that results may have to which the calls of a request refer: every call could double those before it. */
export interface ReferenceBudget {
  left: number
}

/** Replaces the arguments that refer to results of earlier methods. RFC 8620 section 3.7. @throws MethodError */
export function resolved(args: JsonObject, responses: readonly Response[], budget: ReferenceBudget): JsonObject {
  const out: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(args)) {
    const plain = name.startsWith('#') ? name.slice(1) : name
    if (plain !== name && Object.hasOwn(args, plain))
      throw invalid(`${plain} and ${name} are both there; send one of them`)
    out[plain] = plain === name ? value : referred(name, value, responses)
    if (plain !== name) spend(budget, out[plain])
  }
  return out
}

/** Octets of a value in JSON besides its text, about. */
const VALUE_OCTETS = 4

/** @throws MethodError */
function spend(budget: ReferenceBudget, value: unknown): void {
  budget.left -= VALUE_OCTETS + (typeof value === 'string' ? value.length : 0)
  if (budget.left < 0) throw badReference('the results to which the calls refer are too large (maxSizeRequest)')
  if (Array.isArray(value)) for (const one of value) spend(budget, one)
  else if (isMapping(value))
    for (const [key, one] of Object.entries(value)) {
      budget.left -= key.length
      spend(budget, one)
    }
}

function referred(argument: string, reference: unknown, responses: readonly Response[]): unknown {
  const { resultOf, name, path } = isMapping(reference) ? reference : {}
  if (typeof resultOf !== 'string' || typeof name !== 'string' || typeof path !== 'string')
    throw badReference(`${argument} is not a result reference; it needs resultOf, name and path`)
  const found = responses.find(([, , callId]) => callId === resultOf)
  if (!found || found[0] !== name) throw badReference(`${argument}: no earlier call ${resultOf} answered ${name}`)
  return valueAt(found[1], path)
}

/** Evaluates a JSON pointer, in which `*` stands for all items of an array. RFC 6901, RFC 8620 section 3.7. */
function valueAt(value: unknown, path: string): unknown {
  const [first, ...tokens] = path.split('/').map(pointerToken)
  if (first !== '') throw badReference(`the path ${path} does not begin with /`)
  return valueBelow(value, tokens, 0)
}

function valueBelow(value: unknown, tokens: readonly string[], at: number): unknown {
  const token = tokens[at]
  if (token === undefined) return value
  if (Array.isArray(value)) {
    if (token === '*') {
      const items = value
        .map((item) => valueBelow(item, tokens, at + 1))
        .flatMap((item) => (Array.isArray(item) ? item : [item]))
      if (items.length > MAX_VALUES) throw badReference('the path leads to too many values')
      return items
    }
    if (/^(?:0|[1-9]\d{0,8})$/.test(token) && Number(token) < value.length)
      return valueBelow(value[Number(token)], tokens, at + 1)
  } else if (isMapping(value) && Object.hasOwn(value, token)) return valueBelow(value[token], tokens, at + 1)
  throw badReference(`the path has no value at ${token}`)
}

/** Returns a reference token of a JSON pointer as the key that it names. RFC 6901 section 4. */
export const pointerToken = (token: string): string => token.replaceAll('~1', '/').replaceAll('~0', '~')

import type { z } from 'zod'
import { ApiProblem } from '../../../src/api/problem.ts'
import { jsonOf } from '../operations.ts'
import type { RouteCall } from '../routes.ts'

/** Keys whose values keep their own keys: the names of header fields. */
const VERBATIM = 'headers'

/**
 * Reads a JSON body as Mailpit does: the case of keys does not matter, `null` is a missing value, and unknown keys have no
 * effect. The keys of `schema` are in lower case.
 * @throws ApiProblem `bad-request`
 */
export async function bodyOf<T extends z.ZodType>({ c }: RouteCall, schema: T): Promise<z.output<T>> {
  const parsed = schema.safeParse(lowerKeys(await jsonOf(c)))
  if (parsed.success) return parsed.data
  const detail = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')
  throw new ApiProblem('bad-request', detail)
}

function lowerKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lowerKeys)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, one]) => one !== null)
  return Object.fromEntries(
    entries.map(([key, one]) => {
      const lower = key.toLowerCase()
      return [lower, lower === VERBATIM ? one : lowerKeys(one)]
    }),
  )
}

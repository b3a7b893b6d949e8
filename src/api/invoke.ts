import { nearestWord } from '../core/config/nearest.ts'
import { StoreError } from '../storage/store/errors.ts'
import type { Api } from './api.ts'
import { assertAccess, type Caller, type Standing } from './caller.ts'
import { type Form, illFormedTexts, inputMistakes } from './input-mistakes.ts'
import type { Operation } from './operation.ts'
import { operations } from './operations.ts'
import { runAnywhere } from './other-nodes.ts'
import { ApiProblem } from './problem.ts'

/** Runs an operation by its name. @throws ApiProblem, and the errors of the lab */
export async function invoke(
  api: Api,
  caller: Caller,
  { name, input = {} }: { readonly name: string; readonly input?: unknown },
  signal: AbortSignal,
  standing?: () => Promise<Standing>,
): Promise<unknown> {
  const operation = operationNamed(name)
  assertAccess(caller, operation.access)
  await refresh(api)
  const call = { api, caller, input: parseInput(operation, input, 'json'), signal, ...(standing && { standing }) }
  return runAnywhere(operation, call)
}

/**
 * Takes up what other nodes have changed before this call: the client may have sent the request before to one of them. If
 * the database cannot be reached, the answer is what this node knows.
 */
export async function refresh({ lab: { values, store } }: Api): Promise<void> {
  const stored = store.refresh().catch((error: unknown) => {
    // The database logs that it cannot be reached.
    if (!(error instanceof StoreError)) throw error
  })
  await Promise.all([values.refresh(), stored])
}

/** @throws ApiProblem `not-found` */
export function operationNamed(name: string): Operation {
  const found = operations.find((one) => one.name === name)
  if (found) return found
  const names = operations.map((one) => one.name)
  const near = nearestWord(name, names)
  throw new ApiProblem(
    'not-found',
    `there is no operation ${name}; ${near ? `did you mean ${near}?` : `there are: ${names.join(', ')}`}`,
  )
}

/** Maximum number of mistakes in an answer. A body can have thousands, and describing each takes time. */
const MAX_MISTAKES = 100

/** Returns the input of an operation, checked and completed. @throws ApiProblem `bad-request` for parameters, `invalid` for JSON */
export function parseInput(operation: Pick<Operation, 'input'>, given: unknown, form: Form): unknown {
  const parsed = operation.input.safeParse(given)
  const illFormed = illFormedTexts(given, form)
  if (parsed.success && illFormed.length === 0) return parsed.data
  const { errors, more } = parsed.success
    ? { errors: illFormed.slice(0, MAX_MISTAKES), more: illFormed.length - MAX_MISTAKES }
    : inputMistakes(parsed.error.issues, { given, schema: operation.input, form }, MAX_MISTAKES)
  const texts = errors.map(({ pointer, message }) => `${pointer}: ${message}`)
  const detail = [...texts, ...(more > 0 ? [`and ${more} more`] : [])].join('; ')
  throw new ApiProblem(form === 'json' ? 'invalid' : 'bad-request', detail, { errors })
}

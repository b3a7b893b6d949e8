import type { z } from 'zod'
import { nearest } from '../config/nearest.ts'
import type { Api } from './api.ts'
import { assertAccess, type Caller } from './caller.ts'
import type { Operation } from './operation.ts'
import { operations } from './operations.ts'
import { ApiProblem, type InputMistake } from './problem.ts'

/** Runs an operation by its name. @throws ApiProblem, and the errors of the lab */
export async function invoke(
  api: Api,
  caller: Caller,
  { name, input = {} }: { readonly name: string; readonly input?: unknown },
  signal: AbortSignal,
): Promise<unknown> {
  const operation = operationNamed(name)
  assertAccess(caller, operation.access)
  return operation.run({ api, caller, input: parseInput(operation, input, 'json'), signal })
}

/** @throws ApiProblem `not-found` */
export function operationNamed(name: string): Operation {
  const found = operations.find((one) => one.name === name)
  if (found) return found
  const names = operations.map((one) => one.name)
  const near = nearest(name, names)
  throw new ApiProblem(
    'not-found',
    `there is no operation ${name}; ${near ? `did you mean ${near}?` : `there are: ${names.join(', ')}`}`,
  )
}

/** How the places of mistakes are written: the names of parameters, or JSON pointers (RFC 6901). */
type Form = 'parameters' | 'json'

/** Returns the input of an operation, checked and completed. @throws ApiProblem `bad-request` for parameters, `invalid` for JSON */
export function parseInput(operation: Pick<Operation, 'input'>, given: unknown, form: Form): unknown {
  const parsed = operation.input.safeParse(given)
  if (parsed.success) return parsed.data
  const errors = parsed.error.issues.flatMap((issue) => mistakesOf(issue, operation, form))
  const detail = errors.map(({ pointer, message }) => `${pointer}: ${message}`).join('; ')
  throw new ApiProblem(form === 'json' ? 'invalid' : 'bad-request', detail, { errors })
}

function mistakesOf(issue: z.core.$ZodIssue, { input }: Pick<Operation, 'input'>, form: Form): InputMistake[] {
  if (issue.code !== 'unrecognized_keys') return [{ pointer: placeText(issue.path, form), message: messageOf(issue) }]
  return issue.keys.map((key) => {
    const known = Object.keys(input.shape)
    const near = issue.path.length === 0 ? nearest(key, known) : undefined
    const help = near ? `did you mean ${near}?` : `known: ${known.join(', ')}`
    return { pointer: placeText([...issue.path, key], form), message: `is unknown; ${help}` }
  })
}

function placeText(path: readonly PropertyKey[], form: Form): string {
  const steps = path.map(String)
  if (form === 'parameters') return steps.join('.')
  return `/${steps.map((step) => step.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`
}

function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type' && issue.input === undefined) return 'is missing'
  return issue.message.replace(/^Invalid (?:input|option): /, '')
}

import type { Probe } from '../probe.ts'
import { type CheckOutcome, NotTested, VerifyError } from '../types.ts'

/** The result of a check. */
export interface Found {
  readonly outcome: CheckOutcome
  readonly words: string
  readonly facts?: Readonly<Record<string, unknown>>
}

/** One check and row of the report. `name` is its name for `--check`. */
export interface Check {
  readonly name: string
  readonly title: string
  /** Runs the check. @throws NotTested if it does not apply; VerifyError if the server ends the connection, which is a failure */
  readonly run: (probe: Probe) => Promise<Found>
}

export const pass = (words: string, facts?: Found['facts']): Found => found('pass', words, facts)
export const fail = (words: string, facts?: Found['facts']): Found => found('fail', words, facts)
export const warn = (words: string, facts?: Found['facts']): Found => found('warn', words, facts)

const found = (outcome: CheckOutcome, words: string, facts: Found['facts']): Found => ({
  outcome,
  words,
  ...(facts ? { facts } : {}),
})

/** Returns the first failure, else the first warning, else the first of all. @param all at least one */
export const worstOf = (all: readonly Found[]): Found =>
  all.find(({ outcome }) => outcome === 'fail') ?? all.find(({ outcome }) => outcome === 'warn') ?? (all[0] as Found)

/** Returns the result of a check that did not apply, or in which the server failed. @throws any other error */
export function resultOfError(error: unknown): Found {
  if (error instanceof NotTested) return { outcome: 'not-applicable', words: error.message }
  if (error instanceof VerifyError) return fail(error.message)
  throw error
}

import type { Probe } from '../probe.ts'
import type { CheckOutcome } from '../types.ts'

/** The result of a check. */
export interface Found {
  readonly outcome: CheckOutcome
  readonly words: string
  readonly facts?: Readonly<Record<string, unknown>>
}

/** One check and row of the report. `name` is its name for `--only`. */
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

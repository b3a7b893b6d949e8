import type { Probe } from '../probe.ts'
import type { Outcome } from '../types.ts'

/** What a check found. */
export interface Found {
  readonly outcome: Outcome
  readonly words: string
  readonly facts?: Readonly<Record<string, unknown>>
}

/** One row of the report: its name (for `--only`), its title, and what it looks at. */
export interface Check {
  readonly name: string
  readonly title: string
  /** @throws NotTested where it cannot be made; VerifyError where the server breaks off: that is a failure */
  readonly run: (probe: Probe) => Promise<Found>
}

export const pass = (words: string, facts?: Found['facts']): Found => found('pass', words, facts)
export const fail = (words: string, facts?: Found['facts']): Found => found('fail', words, facts)
export const warn = (words: string, facts?: Found['facts']): Found => found('warn', words, facts)

const found = (outcome: Outcome, words: string, facts: Found['facts']): Found => ({
  outcome,
  words,
  ...(facts ? { facts } : {}),
})

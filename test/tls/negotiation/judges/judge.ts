import type { Offer } from './subjects.ts'

/** Where a judge connects: a POP3 port with TLS from the first octet. */
export interface Target {
  readonly port: number
  /** PEM of the lab's roots. */
  readonly caFile: string
  /** For files of the judge. */
  readonly folder: string
}

/** An independent program that finds out what a server accepts. */
export interface Judge {
  readonly name: string
  /** Whether it is installed. */
  readonly available: () => boolean
  /** The offers that it can try. */
  readonly offers: readonly Offer[]
  /** Why it cannot find out more, in the table. */
  readonly limits: string
  /** Returns what the server accepts. */
  readonly examine: (target: Target) => Promise<readonly string[]>
}

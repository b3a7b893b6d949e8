import type { Attacker } from './attacker.ts'

/** The ports of a lab: `smtp`, and `smtps` for the TLS port, and so on. */
export type Ports = Readonly<Record<string, number>>

/** One attack on a lab in its default configuration. */
export interface Attack {
  /** What the client sends. */
  readonly name: string
  /** Whether the lab accepts every name (`directory.mode: open`). */
  readonly isOpen?: boolean
  /** The limit of open files of the lab (`ulimit -n`). Default: that of this process. */
  readonly openFiles?: number
  /** Prepares the attack: what it returns attacks. Nothing is measured meanwhile. */
  prepare(attacker: Attacker): Promise<() => Promise<void>>
}

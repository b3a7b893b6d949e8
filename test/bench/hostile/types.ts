import type { Attacker } from './attacker.ts'
import type { PreyOptions } from './prey.ts'

/** One attack on a lab in its default configuration. */
export interface Attack extends PreyOptions {
  /** The client's input. */
  readonly name: string
  /** Prepares the attack: what it returns attacks. Nothing is measured meanwhile. */
  prepare(attacker: Attacker): Promise<() => Promise<void>>
}

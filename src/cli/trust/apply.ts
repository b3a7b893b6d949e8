import { note, noteError, print } from '../shared/output.ts'
import type { Machine } from './machine.ts'
import { type Step, shellLine, type TrustStore } from './trust-store.ts'

export interface ApplyOptions {
  readonly dryRun?: boolean
}

/** The outcome of the steps of a store. */
type Outcome = 'changed' | 'unchanged' | 'failed'

/**
 * Prints the steps for a store and runs them, in order, until one fails.
 * @returns `failed` if a step failed or something is missing; the error was printed
 */
export async function apply(
  store: TrustStore,
  steps: readonly Step[],
  machine: Machine,
  { dryRun = false }: ApplyOptions,
): Promise<Outcome> {
  if (steps.length === 0) return 'unchanged'
  print(`${store.title}:`)
  for (const step of eachOnce(steps)) {
    const command = withRights(step, machine)
    print(`  ${shellLine(command)}`)
    if (dryRun) continue
    if (command[0] === 'sudo' && machine.which('sudo') === undefined) {
      noteError(`  this needs root and sudo is not installed; run the command as root, then this one again`)
      return 'failed'
    }
    const { status, output } = await machine.run(command)
    if (status === 0) continue
    noteError(`  failed with status ${status}${output === '' ? '' : ':'}`)
    for (const line of lastLines(output)) note(`    ${line}`)
    return 'failed'
  }
  return 'changed'
}

/** Keeps the last of equal steps: a bundle is built once, after all changes. */
function eachOnce(steps: readonly Step[]): Step[] {
  const lines = steps.map(({ command }) => shellLine(command))
  return steps.filter((_, index) => lines.lastIndexOf(lines[index] ?? '') === index)
}

const withRights = ({ command, asRoot }: Step, machine: Machine): readonly string[] =>
  asRoot && !machine.isRoot && machine.platform !== 'win32' ? ['sudo', ...command] : command

const LINES_SHOWN = 5

const lastLines = (output: string): string[] =>
  output
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-LINES_SHOWN)

import type { Machine } from './machine.ts'
import { pemContains, type Root, shellLine } from './trust-store.ts'

/** A runtime that reads roots of its own, and the setting that makes it trust the lab. */
export interface Hint {
  readonly program: string
  readonly trusted: boolean
  /** Lines for the shell. */
  readonly setting: string
}

/** Files with the roots of the lab in PEM. */
interface Bundles {
  readonly lab: string
  /** The file of the system, which has public roots too. Undefined if the system has none or does not trust the lab. */
  readonly system?: string
}

/** Returns how runtimes that no trust store reaches trust the lab: an environment variable names a file that they read. */
export async function hintsFor(machine: Machine, roots: readonly Root[], bundles: Bundles): Promise<Hint[]> {
  const isIn = (file: string | undefined): boolean => {
    const text = machine.read(file ?? '')
    return roots.every(({ certificate }) => pemContains(text, certificate))
  }
  const set = (variable: string, value: string): string =>
    machine.platform === 'win32' ? `set ${variable}=${value}` : `export ${variable}=${shellLine([value])}`
  // Node.js adds this file to its own roots. NODE_USE_SYSTEM_CA exists from 22.19 and 24.6 on.
  const node: Hint = {
    program: 'Node.js',
    trusted: isIn(machine.env.NODE_EXTRA_CA_CERTS),
    setting: set('NODE_EXTRA_CA_CERTS', bundles.lab),
  }
  const certifi = await certifiFile(machine)
  if (certifi === undefined) return [node]
  // These variables replace all roots of Python programs, so that the bundle with public roots is the better value.
  const python: Hint = {
    program: 'Python requests',
    trusted: isIn(certifi) || isIn(machine.env.REQUESTS_CA_BUNDLE),
    setting: set('REQUESTS_CA_BUNDLE', bundles.system ?? bundles.lab),
  }
  return [node, python]
}

/** Returns the file of roots that Python's certifi package brings. Undefined without Python or the package. */
async function certifiFile(machine: Machine): Promise<string | undefined> {
  const python = machine.which('python3') ?? machine.which('python')
  if (python === undefined) return undefined
  const { status, output } = await machine.run([python, '-c', 'import certifi; print(certifi.where())'])
  return status === 0 ? output : undefined
}

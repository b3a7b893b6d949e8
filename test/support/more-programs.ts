import { existsSync } from 'node:fs'
import { missingPrograms } from './programs.ts'

/** A file that a package installs, such as a library. */
interface NeededFile {
  readonly path: string
}

/** Names a file for `ifInstalled`. */
export const hasFile = (path: string): NeededFile => ({ path })

/**
 * Returns whether the programs and files of `.ci/debian-packages-more` are there; if not, prints which are missing and the
 * caller skips its tests.
 * @throws if one is missing where all are expected (SEALPOST_ALL_CLIENTS=1)
 */
export function ifInstalled(...needed: readonly (string | NeededFile)[]): boolean {
  const programs = missingPrograms(needed.filter((one) => typeof one === 'string'))
  const files = needed.flatMap((one) => (typeof one === 'string' || existsSync(one.path) ? [] : [one.path]))
  const missing = [...programs, ...files]
  if (missing.length === 0) return true
  const what = `not installed: ${missing.join(', ')} (.ci/debian-packages-more)`
  if (process.env.SEALPOST_ALL_CLIENTS === '1') throw new Error(what)
  console.warn(`skipped, ${what}`)
  return false
}

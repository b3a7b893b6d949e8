import { execFileSync } from 'node:child_process'

/**
 * Whether a program is installed. Where it is not, the tests that need it are skipped by name; under `.ci/run`
 * (SEALPOST_CI=1) a missing one is a failure.
 */
export function needs(...programs: readonly string[]): boolean {
  const missing = programs.filter((program) => !isInstalled(program))
  if (missing.length === 0) return true
  const what = `not installed: ${missing.join(', ')}`
  if (process.env.SEALPOST_CI === '1') throw new Error(what)
  console.warn(`skipped, ${what}`)
  return false
}

function isInstalled(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

import { execFileSync } from 'node:child_process'

/**
 * Returns whether programs are installed; if not, prints which are missing and the caller skips its tests.
 * @throws if one is missing in CI (SEALPOST_CI=1)
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

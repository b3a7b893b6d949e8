import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/**
 * Returns whether programs are installed; if not, prints which are missing and the caller skips its tests.
 * @throws if one is missing in CI (SEALPOST_CI=1)
 */
export function needs(...programs: readonly string[]): boolean {
  const missing = missingPrograms(programs)
  if (missing.length === 0) return true
  const what = `not installed: ${missing.join(', ')}`
  if (process.env.SEALPOST_CI === '1') throw new Error(what)
  console.warn(`skipped, ${what}`)
  return false
}

/** Returns those of the programs that are not installed. */
export const missingPrograms = (programs: readonly string[]): string[] =>
  programs.filter((program) => !isInstalled(program))

function isInstalled(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Returns whether a file that is no program is installed, as `needs` does for programs. */
export const needsFile = (path: string): boolean => existsSync(path) || needs(path)

/** Debian's Python: packages of modules are for this one, whatever else is installed. */
export const DEBIAN_PYTHON = '/usr/bin/python3'

/** Returns whether a module of Debian's Python or of Perl is installed, as `needs` does for programs. */
export function needsModule(language: 'python' | 'perl', name: string): boolean {
  const [program, args] =
    language === 'python' ? [DEBIAN_PYTHON, ['-c', `import ${name}`]] : ['perl', [`-M${name}`, '-e', '1']]
  const isThere = spawnSync(program, args, { stdio: 'ignore' }).status === 0
  return isThere || needs(`${language} module ${name}`)
}

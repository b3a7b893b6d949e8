import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'

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

/** Looks for a program as a shell does, without the cost of a process. A path is not looked for. */
function isInstalled(program: string): boolean {
  if (isAbsolute(program)) return isExecutable(program)
  return (process.env.PATH ?? '').split(delimiter).some((folder) => isExecutable(join(folder, program)))
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
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

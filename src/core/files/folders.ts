import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileError } from './file-errors.ts'
import { statsOf } from './file-obstacles.ts'
import { packageFolder } from './package-files.ts'

/**
 * Creates a folder and its parents. Replaces `mkdir` with `recursive`, which never returns if a parent exists and refuses
 * new folders with ENOENT, as /proc does.
 * @throws Error with the code of the file system
 */
export function makeFolder(path: string, mode = 0o777): void {
  if (isFolder(path)) return
  const parent = dirname(path)
  if (parent !== path) makeFolder(parent, mode)
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    // Another process may have created it.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' && isFolder(path)) return
    throw fileError(error, `the folder ${path}`, 'created')
  }
}

/** Writes a file that only its owner can read. Changes the mode of an existing file first. */
export function writePrivateFile(path: string, content: string | Buffer): void {
  if (existsSync(path)) chmodSync(path, 0o600)
  writeFileSync(path, content, { mode: 0o600 })
}

/** Returns a name beside a file or folder that is not used yet, for what is moved out of the way: `data.earlier-1`. */
export function unusedName(path: string): string {
  for (let number = 1; ; number++) {
    const name = `${path}.earlier-${number}`
    if (statsOf(name) === undefined) return name
  }
}

const isFolder = (path: string): boolean => statsOf(path)?.isDirectory() ?? false

/** Returns the command that installs an optional package where this package finds it. */
export function installCommand(name: string, installed = packageFolder): string {
  const modules = dirname(installed)
  if (basename(modules) !== 'node_modules') return `npm install --prefix ${installed} ${name}`
  const project = dirname(modules)
  // A global installation has no package.json.
  return existsSync(join(project, 'package.json'))
    ? `npm install --prefix ${project} ${name}`
    : `npm install --global ${name}`
}

import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { homeFolder } from '../shared/user-folders.ts'

/** The output of a program, and its exit status. The status is 127 if it could not be started. */
export interface Ran {
  readonly status: number
  readonly output: string
}

/** The machine whose trust stores are changed. Tests use machines of other systems. */
export interface Machine {
  readonly platform: NodeJS.Platform
  readonly home: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly isRoot: boolean
  exists(path: string): boolean
  isWritable(path: string): boolean
  /** Returns the names in a folder; none if it cannot be read. */
  list(folder: string): readonly string[]
  /** Returns the text of a file; an empty text if it cannot be read. */
  read(path: string): string
  /** Returns the path with its symbolic links resolved. */
  real(path: string): string
  /** Returns the path of a program of `PATH`. */
  which(program: string): string | undefined
  run(command: readonly string[]): Promise<Ran>
}

/** Longest run of a program, in milliseconds. A password prompt of `sudo` counts too. */
const TIMEOUT_MS = 300_000

/** Returns the machine that this process runs on. */
export function thisMachine(): Machine {
  return {
    platform: process.platform,
    home: homeFolder(),
    env: process.env,
    isRoot: process.getuid?.() === 0,
    exists: existsSync,
    isWritable,
    list: (folder) => attempt(() => readdirSync(folder), []),
    read: (path) => attempt(() => readFileSync(path, 'utf8'), ''),
    real: (path) => attempt(() => realpathSync(path), path),
    which,
    run,
  }
}

function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read()
  } catch {
    return otherwise
  }
}

function isWritable(path: string): boolean {
  return attempt(() => {
    accessSync(path, constants.W_OK)
    return true
  }, false)
}

function which(program: string): string | undefined {
  const endings = process.platform === 'win32' ? (process.env.PATHEXT ?? '.EXE;.CMD').split(';') : ['']
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.flatMap((folder) => endings.map((ending) => join(folder, program + ending))).find(existsSync)
}

/** Runs a program to its end. `sudo` asks for the password on the terminal itself. */
function run([program = '', ...args]: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { encoding: 'utf8', timeout: TIMEOUT_MS, maxBuffer: 1 << 26 } as const
    execFile(program, args, options, (error, stdout, stderr) => {
      const output = `${stdout}${stderr}`.trim()
      if (error === null) resolve({ status: 0, output })
      else if (typeof error.code === 'number') resolve({ status: error.code, output })
      else resolve({ status: 127, output: output || error.message })
    }).stdin?.end()
  })
}

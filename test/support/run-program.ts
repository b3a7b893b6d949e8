import { spawn } from 'node:child_process'

export interface ProgramResult {
  /** Exit status; 128 if a signal ended the program. */
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

interface ProgramOptions {
  readonly input?: string | Buffer
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** The program is ended after this time. Default: 2 minutes. */
  readonly timeoutMs?: number
}

/** Runs a program to its end. Does not reject on its exit status. The output is latin1, which keeps every octet. */
export function runProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? 120_000,
    })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    child.on('error', reject)
    child.on('close', (code) =>
      resolve({
        status: code ?? 128,
        stdout: Buffer.concat(out).toString('latin1'),
        stderr: Buffer.concat(err).toString('latin1'),
      }),
    )
    child.stdin.on('error', () => {})
    child.stdin.end(options.input)
  })
}

/** Runs a program with more environment variables. */
export const run = (
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ProgramResult> => runProgram(program, args, { env })

/**
 * Runs a program that starts others. After a number of seconds all of them are killed, also if the test that started them
 * has ended before: status 137 or, as a signal ends `timeout` too, 128.
 */
export const runLimited = (
  seconds: number,
  program: string,
  args: readonly string[],
  options: Omit<ProgramOptions, 'timeoutMs'> = {},
): Promise<ProgramResult> =>
  runProgram('timeout', ['--signal=KILL', String(seconds), program, ...args], {
    ...options,
    timeoutMs: (seconds + 60) * 1000,
  })

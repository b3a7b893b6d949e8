import { execFile } from 'node:child_process'

export interface Ran {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end, beside whatever this process serves meanwhile. Its status is the caller's to judge. */
export function run(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const options = {
    env: { ...process.env, ...env },
    encoding: 'latin1',
    maxBuffer: 64 << 20,
    timeout: 120_000,
  } as const
  return new Promise((resolve, reject) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') reject(new Error(`${program}: ${error.message}\n${stderr}`))
      else resolve({ status: error ? Number(error.code) : 0, stdout, stderr })
    })
  })
}

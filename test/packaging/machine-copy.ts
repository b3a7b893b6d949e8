import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { runProgram } from '../support/run-program.ts'

const throwaway = fileURLToPath(new URL('../../scripts/packages/throwaway.sh', import.meta.url))

/** Whether this machine can be copied: by root, with overlayfs. */
export const canCopyMachine =
  process.platform === 'linux' && process.getuid?.() === 0 && spawnSync(throwaway, ['true']).status === 0

/** Runs a shell script as root on a copy of this machine with a network of its own. @throws Error if a line of it fails */
export async function onMachineCopy(script: string, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await runProgram(throwaway, [
    'bash',
    '-euo',
    'pipefail',
    '-c',
    script,
    '-',
    ...args,
  ])
  if (status !== 0) throw new Error(`the script ended with ${status}:\n${stdout}${stderr}`)
  return stdout
}

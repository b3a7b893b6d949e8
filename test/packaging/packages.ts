import { chmodSync, copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { runProgram } from '../support/run-program.ts'

export const repository = fileURLToPath(new URL('../../', import.meta.url))

/** Writes a program that runs the built tree in the place of a binary, so that no binary has to be built. */
export function writeStandIn(folder: string, name: string): string {
  const file = join(folder, name)
  mkdirSync(folder, { recursive: true })
  const real = join(repository, 'dist-binary', name)
  if (existsSync(real)) copyFileSync(real, file)
  else {
    const main = join(repository, 'dist/src/cli/main.js')
    writeFileSync(file, `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`)
  }
  chmodSync(file, 0o755)
  return file
}

/** Runs scripts/packages.mjs, and returns the files that it made. */
export async function makePackages(kinds: readonly string[], binaries: string, out: string): Promise<string[]> {
  const args = ['scripts/packages.mjs', ...kinds, '--binaries', binaries, '--out', out]
  const { status, stdout, stderr } = await runProgram(process.execPath, args, { cwd: repository })
  expect([status, stderr]).toEqual([0, ''])
  return stdout.trim().split('\n')
}

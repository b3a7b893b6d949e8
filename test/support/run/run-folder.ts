import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder of the RSA keys that the processes of one test run share. */
    readonly rsaKeys: string
  }
}

/**
 * Creates the folder for the temporary files of a test run, of its processes and of the programs that they start, and removes
 * it after the run. So failed tests, killed processes and programs that do not clean up leave nothing.
 */
export default async function setup({ provide }: TestProject): Promise<() => void> {
  const { TMPDIR: before, SEALPOST_TEST_RUN: known } = process.env
  // Each project of vitest.config.ts calls this.
  const folder = known ?? (await newFolder())
  const keys = join(folder, 'keys')
  mkdirSync(keys, { recursive: true })
  provide('rsaKeys', keys)
  if (known !== undefined) return () => {}
  Object.assign(process.env, { TMPDIR: folder, SEALPOST_TEST_RUN: folder })
  return () => {
    rmSync(folder, { recursive: true, force: true })
    delete process.env.SEALPOST_TEST_RUN
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  }
}

async function newFolder(): Promise<string> {
  const parent = tmpdir()
  const { removeUnfinished } = await import(new URL('../../../scripts/build/output.mjs', import.meta.url).href)
  removeUnfinished(parent, /^sp-(\d+)-/)
  // Short, because the paths of sockets are limited.
  const folder = mkdtempSync(join(parent, `sp-${process.pid}-`))
  // Some tests act as another user.
  chmodSync(folder, 0o711)
  return folder
}

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder of the RSA keys that the processes of one test run share. */
    readonly rsaKeys: string
  }
}

/** Creates the folder of the shared RSA keys, and removes it after the run. */
export default function setup({ provide }: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'sealpost-keys-'))
  provide('rsaKeys', folder)
  return () => rmSync(folder, { recursive: true, force: true })
}

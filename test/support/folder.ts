import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Creates a temporary folder. The end of the run removes it, whatever happens (`run/run-folder.ts`). */
export const newFolder = (): string => mkdtempSync(join(tmpdir(), 'test-'))

import { join, resolve } from 'node:path'
import { build } from 'vite'
import { writeApiTypes } from './api-types.mjs'
import { OUTPUT } from './output.mjs'

/** Builds the console. */
export async function buildConsole() {
  const { types } = await writeApiTypes('console/src/api')
  const outDir = resolve(join(OUTPUT, 'console'))
  await Promise.all([types, build({ configFile: 'console/vite.config.ts', logLevel: 'warn', build: { outDir } })])
}

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { build } from 'vite'
import { writeApiTypes } from './api-types.mjs'
import { OUTPUT } from './output.mjs'

const FOLDER = join(OUTPUT, 'console')
/** Formats that shrink. */
const TEXT = /\.(?:js|css|html|svg|json|webmanifest)$/

/** Builds the console, and writes a compressed form beside each of its files. */
export async function buildConsole() {
  await writeApiTypes('console/src/api')
  await build({ configFile: 'console/vite.config.ts', logLevel: 'warn', build: { outDir: resolve(FOLDER) } })
  for (const name of readdirSync(FOLDER, { recursive: true }).filter((one) => TEXT.test(one))) {
    const octets = readFileSync(join(FOLDER, name))
    writeFileSync(join(FOLDER, `${name}.gz`), gzipSync(octets, { level: 9 }))
    const params = { [constants.BROTLI_PARAM_SIZE_HINT]: octets.length }
    writeFileSync(join(FOLDER, `${name}.br`), brotliCompressSync(octets, { params }))
  }
}

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { build } from 'vite'
import { writeApiTypes } from './api-types.mjs'

const DIST = 'dist/console'
/** Formats that shrink. */
const TEXT = /\.(?:js|css|html|svg|json|webmanifest)$/

/** Builds the console into dist/console, and writes a compressed form beside each of its files. */
export async function buildConsole() {
  await writeApiTypes('console/src/api')
  await build({ configFile: 'console/vite.config.ts', logLevel: 'warn' })
  for (const name of readdirSync(DIST, { recursive: true }).filter((one) => TEXT.test(one))) {
    const octets = readFileSync(join(DIST, name))
    writeFileSync(join(DIST, `${name}.gz`), gzipSync(octets, { level: 9 }))
    const params = { [constants.BROTLI_PARAM_SIZE_HINT]: octets.length }
    writeFileSync(join(DIST, `${name}.br`), brotliCompressSync(octets, { params }))
  }
}

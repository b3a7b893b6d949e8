import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { labInputDeclaration, REPLACED } from './config-types.mjs'
import { entryPoints } from './entry-points.mjs'
import { OUTPUT } from './output.mjs'

/** The specifier of a relative import in a declaration file. */
const RELATIVE = /((?:from|import) '|import\(['"])(\.[^'"]+)\.ts(?=['"])/g

/**
 * Finishes the declaration files that the compiler wrote: documents the keys of the configuration, keeps the files that an
 * entry point needs, and copies them for CommonJS.
 */
export async function finishTypes() {
  const files = new Map()
  await documentKeys()
  const points = entryPoints()
  for (const { types } of points) collect(resolve(types), files)
  for (const name of readdirSync(OUTPUT, { recursive: true })) {
    if (name.endsWith('.d.ts')) rmSync(join(OUTPUT, name))
  }
  // TypeScript takes the kind of a module from the nearest package.json.
  const commonjs = resolve(
    points.find(({ commonjsTypes }) => commonjsTypes).commonjsTypes.replace(/\/types\/.*/, '/types'),
  )
  for (const [file, text] of files) {
    write(file, text)
    write(join(commonjs, relative(resolve(OUTPUT), file)), text)
  }
  write(join(commonjs, 'package.json'), '{ "type": "commonjs" }\n')
}

/** Replaces the types of a configuration that zod infers. */
async function documentKeys() {
  write(join(OUTPUT, 'src/core/config/lab-input.d.ts'), await labInputDeclaration())
  for (const [name, [inferred, documented]] of Object.entries(REPLACED)) {
    const file = join(OUTPUT, name)
    const text = readFileSync(file, 'utf8')
    if (!text.includes(inferred)) throw new Error(`${name} has no line ${inferred}`)
    write(file, text.replace(inferred, documented))
  }
}

/** Reads a declaration file and those that it imports. Imports of `.ts` become imports of `.js`, which every tool knows. */
function collect(file, files) {
  if (files.has(file)) return
  const text = readFileSync(file, 'utf8')
  files.set(file, text.replaceAll(RELATIVE, '$1$2.js'))
  for (const [, , path] of text.matchAll(RELATIVE)) collect(resolve(dirname(file), `${path}.d.ts`), files)
}

function write(file, text) {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

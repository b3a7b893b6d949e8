import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { rolldown } from 'rolldown'
import { dts } from 'rolldown-plugin-dts'
import { labInputDeclaration, REPLACED } from './config-types.mjs'
import { entryPoints } from './entry-points.mjs'
import { OUTPUT } from './output.mjs'

/** The generated type of a configuration. A test compares it with the schema. */
const CONFIGURATION = join(OUTPUT, 'src/core/config/lab-input.d.ts')

/**
 * Finishes the declaration files that the compiler wrote: documents the keys of the configuration, and bundles them into one
 * file for each entry point and one that these share, once for ES modules and once for CommonJS.
 */
export async function finishTypes() {
  await documentKeys()
  const points = entryPoints()
  const output = await bundle(points)
  for (const name of readdirSync(OUTPUT, { recursive: true })) {
    const file = join(OUTPUT, name)
    if (name.endsWith('.d.ts') && file !== CONFIGURATION) rmSync(file)
  }
  // TypeScript takes the kind of a module from the nearest package.json.
  const commonjs = dirname(points.find(({ commonjsTypes }) => commonjsTypes).commonjsTypes)
  const modules = dirname(points[0].types)
  for (const { fileName, code } of output) {
    for (const folder of [modules, commonjs]) write(join(folder, fileName), code)
  }
  write(join(commonjs, 'package.json'), '{ "type": "commonjs" }\n')
}

/** Bundles the declarations of the entry points. Those of packages stay outside. */
async function bundle(points) {
  const input = points.map(({ module, types }) => [basename(types, '.d.ts'), module.replace(/\.js$/, '.d.ts')])
  const built = await rolldown({
    cwd: resolve(OUTPUT),
    input: Object.fromEntries(input.map(([name, file]) => [name, `./${relative(OUTPUT, file)}`])),
    external: (id) => /^[\w@]/.test(id),
    checks: { bundlerTimings: false },
    // The compiler has written the declarations: no generator runs.
    plugins: [dts({ dtsOnly: true, tsconfig: false, oxc: true })],
    onLog(_level, log) {
      throw new Error(log.message)
    },
  })
  const names = { entryFileNames: '[name].d.ts', chunkFileNames: 'shared.d.ts' }
  const codeSplitting = { groups: [{ name: 'shared', minShareCount: 2 }] }
  const { output } = await built.generate({ format: 'es', ...names, codeSplitting })
  await built.close()
  return output
}

/** Replaces the types of a configuration that zod infers. */
async function documentKeys() {
  write(CONFIGURATION, await labInputDeclaration())
  for (const [name, [inferred, documented]] of Object.entries(REPLACED)) {
    const file = join(OUTPUT, name)
    const text = readFileSync(file, 'utf8')
    if (!text.includes(inferred)) throw new Error(`${name} has no line ${inferred}`)
    write(file, text.replace(inferred, documented))
  }
}

function write(file, text) {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

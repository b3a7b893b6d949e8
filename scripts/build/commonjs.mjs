import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { rolldown } from 'rolldown'
import { entryPoints } from './entry-points.mjs'
import { bundleOf, inOutput } from './output.mjs'

const TOKENIZER = 'html-tokenizer.cjs'
/** The only part of htmlparser2 in src/mail/format/html-tokenizer.cjs; the rest of the package is left out. */
const WANTED = "export { Tokenizer } from 'htmlparser2'"
/** `strict`: the sources are ES modules, whose code is strict. */
const format = { format: 'cjs', strict: true, exports: 'named', comments: false, charset: 'ascii' }

const options = {
  platform: 'node',
  // Some modules load with the library, and on demand on the command line.
  checks: { ineffectiveDynamicImport: false },
  onLog(_level, log) {
    throw new Error(log.message)
  },
}

/**
 * Bundles the compiled entry points as CommonJS into dist/cjs, for runners that load modules in a way of their own, such as
 * Jest. Packages stay outside. Our dynamic imports become `require`, because `import()` fails in Jest.
 */
export async function buildCommonjs() {
  const points = entryPoints().filter(({ commonjs }) => commonjs !== undefined)
  const dir = dirname(points[0].commonjs)
  const modules = Object.fromEntries(points.map(({ module, commonjs }) => [basename(commonjs, '.cjs'), module]))
  const bundle = await rolldown({ ...options, ...bundleOf(modules), external: (id) => /^[\w@]/.test(id) })
  // A chunk of its own, which loads before all others as the module does.
  const codeSplitting = { groups: [{ name: 'disposal', test: /src\/core\/async\/disposal\.js$/ }] }
  const names = { entryFileNames: '[name].cjs', chunkFileNames: 'chunks/[name]-[hash].cjs' }
  await bundle.write({ ...format, ...names, dir: resolve(dir), dynamicImportInCjs: false, codeSplitting })
  await bundle.close()
  // The module that loads it is in one of the chunks.
  await buildTokenizer(inOutput('dist/src/mail/format'), join(dir, 'chunks'))
}

/** Bundles the HTML tokenizer, the only package without CommonJS, into each folder. */
export async function buildTokenizer(...folders) {
  const input = 'html-tokenizer.mjs'
  const wanted = { resolveId: (id) => (id === input ? id : null), load: (id) => (id === input ? WANTED : null) }
  const bundle = await rolldown({ ...options, input, external: /^node:/, plugins: [wanted] })
  for (const folder of folders) await bundle.write({ ...format, file: join(folder, TOKENIZER), banner })
  await bundle.close()
}

/** Returns a comment with the licences of the packages whose modules a file contains: they ask for a copy of themselves. */
export function banner({ moduleIds }) {
  const found = licences(moduleIds)
  return found.length === 0 ? '' : `/*\n${found.join('\n')}\n*/`
}

function licences(moduleIds) {
  const packages = new Set(
    moduleIds.map((id) => id.match(/^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0]).filter(Boolean),
  )
  return [...packages].map((folder) => {
    const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const file = ['LICENSE', 'LICENSE.md', 'LICENCE', 'license'].map((each) => join(folder, each)).find(existsSync)
    if (!file) throw new Error(`${folder} has no licence file`)
    return `${name} ${version}\n\n${readFileSync(file, 'utf8').trim()}\n`
  })
}

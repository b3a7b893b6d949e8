import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { rolldown } from 'rolldown'
import { parseAst } from 'rolldown/parseAst'
import { banner, buildTokenizer } from './commonjs.mjs'
import { entryPoints } from './entry-points.mjs'
import { bundleOf, inOutput, OUTPUT } from './output.mjs'

/** The packages that every start loads and that need nothing of their folder. The bundle has only what is used of them. */
const BUNDLED = new Set(['zod', 'yaml', 'commander', 'pino', ...dependenciesOf('pino')])
/** Commands load faster as CommonJS, and their prompts exist as ES modules only. */
const OF_COMMANDS = new Set([...BUNDLED, '@clack/prompts', ...dependenciesOf('@clack/prompts')])
/** The file of the commands that imports packages for the others. */
const IMPORTER = 'import.cjs'
/** The modules that run commands. */
const COMMANDS = ['dist/src/cli/program.js', 'dist/src/cli/sendmail/run.js'].map(inOutput)

/**
 * Bundles the compiled modules into a few files, because finding, reading and compiling 600 files takes two thirds of a
 * start. What is loaded on demand stays in files of its own. The modules that package.json names, and those that run
 * commands, then load these files. The other compiled modules stay, for tests.
 */
export async function buildModules() {
  const entries = [...new Set(entryPoints().map(({ module }) => module))]
  await bundleInto(inOutput('dist/commands'), 'cjs', COMMANDS, OF_COMMANDS)
  await bundleInto(inOutput('dist/esm'), 'esm', entries, BUNDLED)
}

/** Bundles modules with some packages into a folder, and makes each of them load its bundle. */
async function bundleInto(folder, format, entries, packages) {
  const extension = format === 'cjs' ? 'cjs' : 'js'
  const bundle = await rolldown({
    ...bundleOf(Object.fromEntries(entries.map((entry) => [nameOf(entry), entry]))),
    platform: 'node',
    external: (id) => /^[\w@]/.test(id) && !packages.has(id),
    plugins: format === 'cjs' ? [importsElsewhere(folder)] : [],
    // Its ES modules; Node.js would load the 80 CommonJS files.
    resolve: { alias: { yaml: join(process.cwd(), 'node_modules/yaml/browser/index.js') } },
    checks: { ineffectiveDynamicImport: false },
    onLog(_level, log) {
      throw new Error(log.message)
    },
  })
  await bundle.write({
    dir: resolve(folder),
    format,
    // ES modules are strict without a directive, CommonJS is not.
    strict: format === 'cjs',
    exports: 'named',
    comments: false,
    // One character above U+00FF makes V8 hold the whole file with two octets for each.
    charset: 'ascii',
    entryFileNames: `[name].${extension}`,
    banner,
    chunkFileNames: `chunks/[name]-[hash].${extension}`,
    codeSplitting: { groups: [{ name: 'disposal', test: /src\/core\/async\/disposal\.js$/ }] },
  })
  await bundle.close()
  // The module that loads it is in one of the chunks.
  await buildTokenizer(join(folder, 'chunks'))
  for (const entry of entries) {
    const bundled = relative(dirname(entry), join(folder, `${nameOf(entry)}.${extension}`))
    writeFileSync(entry, `export * from '${bundled}'\n`)
  }
}

/**
 * Moves every `import()` of a bundle's files into a file of its own, because a script whose compiled code is kept
 * (src/cli/compiled-code.ts) can import nothing itself.
 */
const importsElsewhere = (folder) => ({
  name: 'imports-elsewhere',
  renderChunk(code, { fileName }) {
    const starts = importsIn(parseAst(code, { lang: 'js' })).toSorted((a, b) => a - b)
    const importer = `require("${fileName.includes('/') ? '..' : '.'}/${IMPORTER}")`
    return starts.reduceRight((text, at) => text.slice(0, at) + importer + text.slice(at + 'import'.length), code)
  },
  writeBundle() {
    writeFileSync(join(folder, IMPORTER), 'module.exports = (name) => import(name)\n')
  },
})

/** Returns where the `import()` of a syntax tree are. */
function importsIn(node) {
  if (typeof node !== 'object' || node === null) return []
  const inside = Object.values(node).flatMap(importsIn)
  return node.type === 'ImportExpression' ? [node.start, ...inside] : inside
}

/** Returns the packages that a package needs. */
function dependenciesOf(name) {
  const { dependencies = {} } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8'))
  return Object.keys(dependencies).flatMap((each) => [each, ...dependenciesOf(each)])
}

/** Returns the name of a module's bundle. */
const nameOf = (entry) => entry.slice(`${OUTPUT}/src/`.length).replace(/\.js$/, '').replaceAll('/', '-')

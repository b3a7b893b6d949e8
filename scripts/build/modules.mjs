import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { rolldown } from 'rolldown'
import { entryPoints } from './entry-points.mjs'
import { bundleOf, inOutput, OUTPUT } from './output.mjs'
import { packParts } from './parts.mjs'
import { banner, buildTokenizer } from './tokenizer.mjs'

/** The packages that every start loads and that need nothing of their folder. The bundle has only what is used of them. */
const BUNDLED = new Set(['zod', 'yaml', 'commander', 'pino', ...dependenciesOf('pino')])
/** The prompts of the commands exist as ES modules only. */
for (const name of ['@clack/prompts', ...dependenciesOf('@clack/prompts')]) BUNDLED.add(name)
/** The other packages that exist as ES modules only. All of them are loaded on demand. */
const ES_MODULES = /\bimport\((?='(?:jose|oidc-provider|@modelcontextprotocol\/server(?:\/stdio)?)'\))/g
/** The file that imports packages for the others. */
const IMPORTER = 'import.cjs'
/** The modules that run commands. */
const COMMANDS = ['dist/src/cli/program.js', 'dist/src/cli/sendmail/run.js'].map(inOutput)
const FOLDER = inOutput('dist/cjs')

/**
 * Bundles the compiled modules into a few CommonJS files, because finding, reading and compiling 600 files takes two thirds of
 * a start, and because Jest loads no ES modules. Parts that are loaded on demand stay apart. The modules that package.json
 * names, and those that run commands, then load these files, so that a program that imports and requires the library has it
 * once. The other compiled modules stay, for tests.
 */
export async function buildModules() {
  const points = entryPoints()
  const modulesOnly = points.filter(({ commonjs }) => commonjs === undefined).map(({ module }) => readImports(module))
  const loaders = points.filter(({ commonjs }) => commonjs !== undefined).map(({ module }) => module)
  const needed = modulesOnly.flatMap(({ imports }) => imports)
  const exportsOf = await bundle([...new Set([...COMMANDS, ...loaders, ...needed])])
  for (const { module, text } of modulesOnly) writeFileSync(module, text)
  for (const module of COMMANDS) writeFileSync(module, `export * from '${bundled(module)}'\n`)
  for (const module of loaders) {
    const names = exportsOf.get(nameOf(module)).filter((name) => name !== 'default')
    writeFileSync(module, `import library from '${bundled(module)}'\nexport const { ${names.join(', ')} } = library\n`)
  }
}

/** Bundles modules with some packages. Returns the names that each bundle exports. */
async function bundle(entries) {
  const built = await rolldown({
    ...bundleOf(Object.fromEntries(entries.map((entry) => [nameOf(entry), entry]))),
    platform: 'node',
    external: (id) => /^[\w@]/.test(id) && !BUNDLED.has(id),
    plugins: [importsElsewhere],
    // Its ES modules; Node.js would load the 80 CommonJS files.
    resolve: { alias: { yaml: join(process.cwd(), 'node_modules/yaml/browser/index.js') } },
    // Some modules load with the library, and on demand on the command line.
    checks: { ineffectiveDynamicImport: false, bundlerTimings: false },
    onLog(_level, log) {
      throw new Error(log.message)
    },
  })
  const { output } = await built.generate({
    dir: resolve(FOLDER),
    format: 'cjs',
    // The sources are ES modules, whose code is strict.
    strict: true,
    exports: 'named',
    comments: false,
    // One character above U+00FF makes V8 hold the whole file with two octets for each.
    charset: 'ascii',
    banner,
    entryFileNames: '[name].cjs',
    chunkFileNames: 'parts/[name]-[hash].cjs',
    // `import()` fails in Jest.
    dynamicImportInCjs: false,
    // A part of its own, which loads before all others as the module does.
    codeSplitting: { groups: [{ name: 'disposal', test: /src\/core\/async\/disposal\.js$/ }] },
  })
  await built.close()
  const parts = packParts(output, FOLDER)
  writeFileSync(join(FOLDER, IMPORTER), 'module.exports = (name) => import(name)\n')
  // The module that loads it is in one of the parts.
  await buildTokenizer(parts, inOutput('dist/src/mail/format'))
  return new Map(output.filter(({ isEntry }) => isEntry).map(({ name, exports }) => [name, exports]))
}

/**
 * Moves the `import()` of a package that only exists as ES modules into a file of its own, because a script whose compiled
 * code is kept (src/cli/compiled-code.ts) can import nothing itself.
 */
const importsElsewhere = {
  name: 'imports-elsewhere',
  transform: (code) => (code.search(ES_MODULES) === -1 ? null : code.replaceAll(ES_MODULES, `${MARK}(`)),
  renderChunk: (code, { fileName }) =>
    code.replaceAll(MARK, `require("${fileName.includes('/') ? '..' : '.'}/${IMPORTER}")`),
}
const MARK = '__importElsewhere'

/** Reads a module that stays an ES module. Its imports of our modules become imports of their bundles. */
function readImports(module) {
  const imports = []
  const text = readFileSync(module, 'utf8').replaceAll(/(?<=^import .*from ')\.[^']+(?=')/gm, (path) => {
    const imported = join(dirname(module), path)
    imports.push(imported)
    return relative(dirname(module), bundleFile(imported))
  })
  return { module, text, imports }
}

/** Returns the packages that a package needs. */
function dependenciesOf(name) {
  const { dependencies = {} } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8'))
  return Object.keys(dependencies).flatMap((each) => [each, ...dependenciesOf(each)])
}

/** Returns the name of a module's bundle: that of the entry point, or the module's path. */
function nameOf(module) {
  const point = entryPoints().find((one) => one.module === module && one.commonjs !== undefined)
  if (point) return relative(FOLDER, point.commonjs).replace(/\.cjs$/, '')
  return module.slice(`${OUTPUT}/src/`.length).replace(/\.js$/, '').replaceAll('/', '-')
}

const bundleFile = (module) => join(FOLDER, `${nameOf(module)}.cjs`)
const bundled = (module) => relative(dirname(module), bundleFile(module))

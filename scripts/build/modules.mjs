import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { rolldown } from 'rolldown'
import { banner, buildTokenizer } from './commonjs.mjs'
import { entryPoints } from './entry-points.mjs'

const FOLDER = 'dist/esm'
/** The packages that every start loads and that need nothing of their folder. The bundle has only what is used of them. */
const BUNDLED = new Set(['zod', 'yaml', 'commander', 'pino', ...dependenciesOf('pino')])
/** The commands, which load the modules of `exports` in the same process. */
const COMMANDS = ['dist/src/cli/program.js', 'dist/src/cli/sendmail/run.js']

/**
 * Bundles the compiled modules into a few files in dist/esm, because finding, reading and compiling 600 files takes two
 * thirds of a start. What is loaded on demand stays in files of its own. The modules that package.json names then load
 * these files. The other compiled modules stay, for tests.
 */
export async function buildModules() {
  const entries = [...new Set([...entryPoints().map(({ module }) => module.replace(/^\.\//, '')), ...COMMANDS])]
  const input = Object.fromEntries(entries.map((entry) => [nameOf(entry), entry]))
  const bundle = await rolldown({
    input,
    platform: 'node',
    external: (id) => /^[\w@]/.test(id) && !entries.includes(id) && !BUNDLED.has(id),
    // Its ES modules; Node.js would load the 80 CommonJS files.
    resolve: { alias: { yaml: join(process.cwd(), 'node_modules/yaml/browser/index.js') } },
    checks: { ineffectiveDynamicImport: false },
    onLog(_level, log) {
      throw new Error(log.message)
    },
  })
  await bundle.write({
    dir: FOLDER,
    format: 'esm',
    comments: false,
    // One character above U+00FF makes V8 hold the whole file with two octets for each.
    charset: 'ascii',
    entryFileNames: '[name].js',
    banner,
    chunkFileNames: 'chunks/[name]-[hash].js',
    codeSplitting: { groups: [{ name: 'disposal', test: /src\/common\/disposal\.js$/ }] },
  })
  await bundle.close()
  // The module that loads it is in one of the chunks.
  await buildTokenizer(join(FOLDER, 'chunks'))
  for (const entry of entries) {
    const bundled = relative(dirname(entry), join(FOLDER, `${nameOf(entry)}.js`))
    writeFileSync(entry, `export * from '${bundled}'\n`)
  }
}

/** Returns the packages that a package needs. */
function dependenciesOf(name) {
  const { dependencies = {} } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8'))
  return Object.keys(dependencies).flatMap((each) => [each, ...dependenciesOf(each)])
}

/** Returns the name of an entry point's file in `FOLDER`. */
const nameOf = (entry) =>
  entry
    .replace(/^dist\/src\//, '')
    .replace(/\.js$/, '')
    .replaceAll('/', '-')

import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join, resolve } from 'node:path'
import { rolldown } from 'rolldown'
import { licences } from '../build/tokenizer.mjs'
import { runtimePackages } from '../runtime-packages.mjs'

const MODULES = ['dist/src/cli/main.js', 'dist/src/cli/program.js', 'dist/src/cli/sendmail/run.js']
/** The file that imports packages elsewhere. In the binary, all packages are CommonJS. */
const IMPORTER = 'dist/cjs/import.cjs'
/** Packages whose names are not in a call of `require`. */
const IMPORTED = ['jose', 'oidc-provider', 'pg', '@modelcontextprotocol/server', '@modelcontextprotocol/server/stdio']
const OPTIONAL = ['lmdb', 'pg', 'oidc-provider', 'acme-client', '@modelcontextprotocol/server']
/** Packages of the test library. */
const UNUSED = /^@(?:jest|playwright)\//
/** Packages that others use if they are there. */
const MISSING = /^(?:pg-native$|@cbor-extract|msgpackr-extract$|bufferutil$|utf-8-validate$)/
const TEXT = { format: 'cjs', strict: true, comments: false, charset: 'ascii' }
const ENTRY = '\0entry:'

/**
 * Returns the files that are inside every binary, by name. Writes those that it makes into a folder.
 * @param licence the file with the licences of Node.js
 */
export async function filesInside(folder, licence) {
  const ours = filesIn('dist/cjs').filter((file) => file.endsWith('.cjs') && file !== IMPORTER)
  const required = ours.flatMap((file) =>
    Array.from(readFileSync(file, 'utf8').matchAll(/\brequire\("([\w@][^"]*)"\)/g), ([, name]) => name),
  )
  const isPackage = (name) => !name.startsWith('node:') && !builtinModules.includes(name) && !UNUSED.test(name)
  const packages = await bundlePackages([...new Set([...IMPORTED, ...required])].filter(isPackage), folder)
  await bundleThread(join(folder, 'hash-wasm.cjs'))
  writeFileSync(join(folder, 'import.cjs'), 'module.exports = async (name) => require(name)\n')
  writeFileSync(join(folder, 'licences.txt'), thirdParties(readFileSync(licence, 'utf8')))
  const asTheyAre = ['package.json', 'LICENSE', 'config/default.yaml', ...MODULES, ...ours, ...filesIn('dist/console')]
  for (const name of OPTIONAL) asTheyAre.push(`node_modules/${name}/package.json`)
  return {
    ...Object.fromEntries(asTheyAre.map((name) => [name, name])),
    ...Object.fromEntries(packages.map((name) => [`node_modules/${name}`, join(folder, 'node_modules', name)])),
    'hash-wasm.cjs': join(folder, 'hash-wasm.cjs'),
    [IMPORTER]: join(folder, 'import.cjs'),
    'licences.txt': join(folder, 'licences.txt'),
  }
}

/** Bundles packages as `require` finds them, each into a file; what several need is in further files. Returns their names. */
async function bundlePackages(names, folder) {
  const plugin = {
    name: 'packages',
    resolveId(id, importer) {
      if (id.startsWith(ENTRY)) return id
      if (id === 'node-gyp-build-optional-packages') return '\0addon'
      return importer?.startsWith(ENTRY) ? this.resolve(id, resolve('package.json'), { kind: 'require-call' }) : null
    },
    load(id) {
      // src/storage/store/engines/lmdb/addon.ts puts it there.
      if (id === '\0addon') return `module.exports = () => globalThis[Symbol.for('sealpost.lmdb')]`
      return id.startsWith(ENTRY) ? `module.exports = require('${id.slice(ENTRY.length)}')` : null
    },
  }
  const built = await rolldown({
    ...settings([plugin]),
    input: Object.fromEntries(names.map((name) => [name, ENTRY + name])),
  })
  const chunkFileNames = 'shared/[name]-[hash].cjs'
  const { output } = await built.write({
    ...TEXT,
    dir: join(folder, 'node_modules'),
    entryFileNames: '[name].cjs',
    chunkFileNames,
  })
  await built.close()
  return output.map(({ fileName }) => fileName)
}

/** Bundles the package that src/accounts/directory/passwords/hash-thread.ts runs in a thread of its own. */
async function bundleThread(file) {
  const built = await rolldown({ ...settings([]), input: 'hash-wasm' })
  await built.write({ ...TEXT, file, codeSplitting: false })
  await built.close()
}

const settings = (plugins) => ({
  platform: 'node',
  external: (id) => id.startsWith('node:') || MISSING.test(id),
  plugins,
  checks: { ineffectiveDynamicImport: false, bundlerTimings: false },
  onLog(level, log) {
    if (level === 'warn' && !/UNRESOLVED_IMPORT|EVAL|COMMONJS_VARIABLE/.test(log.code)) throw new Error(log.message)
  },
})

/** Returns the licences of Node.js and of the packages that are inside. */
function thirdParties(node) {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'))
  // Packages with add-ons for other platforms are not installed.
  const folders = [...runtimePackages(lock).keys()].filter((folder) => existsSync(folder)).toSorted()
  const parts = [`Node.js\n\n${node.trim()}\n`, ...licences(folders.map((folder) => resolve(folder, 'package.json')))]
  return parts.join(`\n${'-'.repeat(80)}\n\n`)
}

/** Returns the files of a folder that this build has made, not those that the checkout keeps of earlier builds. */
function filesIn(path) {
  const built = statSync('dist/src').mtimeMs
  return readdirSync(path, { recursive: true })
    .map((name) => `${path}/${name.replaceAll('\\', '/')}`)
    .filter((file) => statSync(file).isFile() && statSync(file).mtimeMs >= built)
}

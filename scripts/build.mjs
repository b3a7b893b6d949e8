// Compiles src/ and servers/ into dist/, bundles the commands and the public entry points into dist/cjs/, and builds the
// console into dist/console/. Without the compiler (npm ci --omit=dev), an existing dist/ is used.
//   node scripts/build.mjs [--if-changed [--without-types]]
//     --if-changed: only if something has changed since dist/ was built, and without the type check (`npm run typecheck`)
//     --without-types: without the declaration files, which take the compiler most of its time
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { configFiles, writeConfigFiles } from './build/config-files.mjs'
import { digestOfInputs } from './build/inputs.mjs'
import { OUTPUT, removeUnfinished, replaceBuild } from './build/output.mjs'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const tsc = 'node_modules/typescript/bin/tsc'
const main = 'src/cli/main.js'
/** Holds the digest of what dist/ was built from. */
const STAMP = '.inputs'

if (!existsSync(tsc)) {
  if (existsSync(join('dist', main))) process.exit(0)
  console.error('build: TypeScript is not installed and dist/ is empty; run `npm ci` without --omit=dev first')
  process.exit(1)
}
const isForTests = process.argv.includes('--if-changed')
const withTypes = !process.argv.includes('--without-types')
const WITHOUT_TYPES = ' without types'
const digest = digestOfInputs()
if (isForTests && (isBuiltFrom(digest) || (!withTypes && isBuiltFrom(digest + WITHOUT_TYPES)))) process.exit(0)

removeUnfinished('.')
process.on('exit', () => rmSync(OUTPUT, { recursive: true, force: true }))
const args = ['-p', 'tsconfig.build.json', '--outDir', OUTPUT, ...(isForTests ? ['--noCheck'] : [])]
if (!withTypes) args.push('--declaration', 'false')
const { status } = spawnSync(process.execPath, [tsc, ...args], { stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)
// npm makes commands executable at installation only; npx runs these files directly after later builds.
for (const file of [main, 'src/cli/sendmail/main.js']) chmodSync(join(OUTPUT, file), 0o755)

const [{ buildModules }, { buildConsole }] = await Promise.all([
  import('./build/modules.mjs'),
  import('./build/console.mjs'),
])
// Needs a package that only the declarations need.
if (withTypes) await (await import('./build/types.mjs')).finishTypes()
await Promise.all([buildModules(), buildConsole()])
await writeConfigFiles()
writeFileSync(join(OUTPUT, STAMP), withTypes ? digest : digest + WITHOUT_TYPES)
replaceBuild('dist', OUTPUT)

function isBuiltFrom(wanted) {
  const stamp = join('dist', STAMP)
  const files = [stamp, join('dist', main), 'console/src/api/openapi.generated.ts', ...configFiles]
  return files.every((file) => existsSync(file)) && readFileSync(stamp, 'utf8') === wanted
}

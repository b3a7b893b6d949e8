// Compiles src/ and servers/ into dist/, bundles the public entry points as CommonJS into dist/cjs/, and builds the console
// into dist/console/. Without the compiler (npm ci --omit=dev), an existing dist/ is used.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const tsc = 'node_modules/typescript/bin/tsc'
const main = 'dist/src/cli/main.js'
if (!existsSync(tsc)) {
  if (existsSync(main)) process.exit(0)
  console.error('build: TypeScript is not installed and dist/ is empty; run `npm ci` without --omit=dev first')
  process.exit(1)
}
rmSync('dist', { recursive: true, force: true })
const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { stdio: 'inherit' })
// npm makes commands executable at installation only; npx runs these files directly after later builds.
for (const file of [main, 'dist/src/cli/sendmail/main.js']) if (existsSync(file)) chmodSync(file, 0o755)
if (status !== 0) process.exit(status ?? 1)

const [{ finishTypes }, { buildCommonjs }, { buildModules }, { buildConsole }] = await Promise.all([
  import('./build/types.mjs'),
  import('./build/commonjs.mjs'),
  import('./build/modules.mjs'),
  import('./build/console.mjs'),
])
await finishTypes()
await buildCommonjs()
await buildModules()
await buildConsole()

// Compiles src/ and servers/ into dist/. Without the compiler (npm ci --omit=dev), an existing dist/ is used as it is.
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const tsc = 'node_modules/typescript/bin/tsc'
if (!existsSync(tsc)) {
  if (existsSync('dist/src/cli/main.js')) process.exit(0)
  console.error('build: TypeScript is not installed and dist/ is empty; run `npm ci` without --omit=dev first')
  process.exit(1)
}
rmSync('dist', { recursive: true, force: true })
process.exit(spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { stdio: 'inherit' }).status ?? 1)

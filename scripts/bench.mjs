// Compiles src/, servers/ and bench/ into dist-bench/ and runs a benchmark there, because Node.js 20 cannot run TypeScript.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const run = (...args) => spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1
const compiled = run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.bench.json')
process.exit(compiled || run('dist-bench/bench/run.js', ...process.argv.slice(2)))

// Compiles src/, servers/ and test/bench/ into dist-bench/ and runs a benchmark there, because Node.js 20 cannot run TypeScript.
import { spawnSync } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const run = (...args) => spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1
const compiled = run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.bench.json')
// The build bundles this module; the compiler leaves it out.
const tokenizer = 'src/mail/format/html-tokenizer.cjs'
if (compiled === 0) copyFileSync(tokenizer, `dist-bench/${tokenizer}`)
process.exit(compiled || run('dist-bench/test/bench/run.js', ...process.argv.slice(2)))

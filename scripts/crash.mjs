// The long form of the crash test: kill -9 under load, 100 times or as many as the first argument says.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const env = { ...process.env, SEALPOST_CRASH_ROUNDS: process.argv[2] ?? '100' }
const vitest = ['node_modules/vitest/vitest.mjs', 'run', 'test/store/crash.test.ts']
process.exit(spawnSync(process.execPath, vitest, { stdio: 'inherit', env }).status ?? 1)

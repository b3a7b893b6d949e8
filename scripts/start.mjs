// `npm start -- ARGS`: runs `sealpost start ARGS` from dist/. Works on Windows, which has no `exec`.
import { existsSync } from 'node:fs'

const main = new URL('../dist/src/cli/main.js', import.meta.url)
if (existsSync(main)) {
  process.argv.splice(2, 0, 'start')
  import(main)
} else {
  console.error('sealpost: dist/ is missing; run: npm run build')
  process.exitCode = 1
}

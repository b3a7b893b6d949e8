// `npm start -- ARGS`: runs `sealpost start ARGS` from dist/. Works on Windows, which has no `exec`.
import { existsSync } from 'node:fs'

const main = new URL('../dist/src/cli/main.js', import.meta.url)
if (existsSync(main)) {
  if (process.env.npm_lifecycle_event === 'start') stopWithShell()
  process.argv.splice(2, 0, 'start')
  import(main)
} else {
  console.error('sealpost: dist/ is missing; run: npm run build')
  process.exitCode = 1
}

/** Stops the lab when the shell of npm ends. Some shells do not pass on npm's SIGTERM, which would leave the lab running. */
function stopWithShell() {
  const shell = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === shell) return
    clearInterval(timer)
    process.kill(process.pid, 'SIGTERM')
  }, 500).unref()
}

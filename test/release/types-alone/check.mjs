// Checks the types of the installed package, and of all that they import, in every way that TypeScript resolves modules.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'

const { version } = createRequire(import.meta.url)('typescript/package.json')
const [major] = version.split('.').map(Number)
const deprecated = major === 6 ? { ignoreDeprecations: '6.0' } : {}
const ways = [
  { module: 'node16', moduleResolution: 'node16' },
  { module: 'nodenext', moduleResolution: 'nodenext' },
  { module: 'esnext', moduleResolution: 'bundler' },
  // TypeScript 6 deprecates it, and TypeScript 7 does not have it. The types of zod need the interoperation of modules,
  // which the other ways have by default.
  ...(major < 7 ? [{ module: 'commonjs', moduleResolution: 'node10', esModuleInterop: 'true', ...deprecated }] : []),
]
const common = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', 'false', '--target', 'es2022']
const more = ['--lib', 'es2022,dom,esnext.disposable', '--types', 'node', 'library.ts']

for (const way of ways) {
  const options = Object.entries(way).flatMap(([name, value]) => [`--${name}`, value])
  const { status } = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', ...options, ...common, ...more], {
    stdio: 'inherit',
  })
  console.log(`TypeScript ${version}, ${way.moduleResolution}: ${status === 0 ? 'ok' : 'FAILED'}`)
  if (status !== 0) process.exitCode = 1
}

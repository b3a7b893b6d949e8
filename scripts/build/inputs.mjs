import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** The inputs of a build. The console's generated files come from src/. */
const INPUTS = [
  'src',
  'servers',
  'console',
  'scripts/build',
  'scripts/build.mjs',
  'scripts/openapi-types.mjs',
  'docs/recipes',
]
INPUTS.push('package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json')
const GENERATED = /\.generated\.ts$/

/** Returns a digest of the names and contents of everything that a build is made from. */
export function digestOfInputs() {
  const hash = createHash('sha256')
  for (const file of INPUTS.filter(existsSync).flatMap(filesOf)) {
    hash.update(`\0${file}\0`).update(readFileSync(file))
  }
  return hash.digest('hex')
}

function filesOf(path) {
  if (statSync(path).isFile()) return [path]
  const names = readdirSync(path, { recursive: true }).toSorted()
  return names.map((name) => join(path, name)).filter((file) => !GENERATED.test(file) && statSync(file).isFile())
}

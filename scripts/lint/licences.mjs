// Checks that every package that runs with Sealpost has a licence that is compatible with MIT.
//   node scripts/lint/licences.mjs [FOLDER]   FOLDER: the checkout to check; default: this one
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runtimePackages } from '../runtime-packages.mjs'

const root = resolve(process.argv[2] ?? fileURLToPath(new URL('../..', import.meta.url)))
/** Licences whose conditions a program under MIT can meet: they ask for a notice at most. SPDX identifiers. */
const COMPATIBLE = new Set([
  'MIT',
  'MIT-0',
  'ISC',
  '0BSD',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  'BlueOak-1.0.0',
])

/** Returns whether one of the alternatives of an SPDX expression is compatible in all its parts. Unknown forms are not. */
const isCompatible = (expression) =>
  expression
    .replace(/^\((.*)\)$/, '$1')
    .split(' OR ')
    .some((alternative) => alternative.split(' AND ').every((licence) => COMPATIBLE.has(licence)))

const problems = []
const packages = runtimePackages(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')))
for (const [path, { version, license }] of packages) {
  if (license === undefined) problems.push(`${path} ${version} has no licence`)
  else if (!isCompatible(license))
    problems.push(`${path} ${version}: the licence ${license} is not compatible with MIT`)
}
for (const problem of problems) console.error(`package-lock.json: ${problem}`)
if (problems.length > 0) process.exitCode = 1
else console.log(`${packages.size} packages: every licence is compatible with MIT`)

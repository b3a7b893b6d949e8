// Writes the software bill of materials of what runs: a CycloneDX document of the dependencies with versions, checksums
// and licences, from package-lock.json. Needs no network and no node_modules.
//   node scripts/sbom.mjs [FILE]     FILE: default standard output
// `npm sbom --omit=dev` is not used: npm 11 leaves out packages that development dependencies need as well.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runtimePackages } from './runtime-packages.mjs'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const args = ['sbom', '--sbom-format=cyclonedx', '--sbom-type=application', '--package-lock-only', '--offline']
const options = { encoding: 'utf8', maxBuffer: 64 << 20, shell: process.platform === 'win32' }
const { status, stdout, stderr } = spawnSync('npm', args, options)
if (status !== 0) {
  console.error(`sbom: npm sbom failed: ${stderr}`)
  process.exit(1)
}

const everything = JSON.parse(stdout)
const packages = [...runtimePackages(JSON.parse(readFileSync('package-lock.json', 'utf8'))).values()]
const own = everything.metadata.component['bom-ref']
const scopes = new Map(packages.map(({ name, version, isOptional }) => [`${name}@${version}`, isOptional]))
const refs = new Set([own, ...scopes.keys()])
const { name } = JSON.parse(readFileSync('package.json', 'utf8'))
const bom = {
  ...everything,
  // npm takes the name from the folder of the checkout.
  metadata: { ...everything.metadata, component: { ...everything.metadata.component, name } },
  components: everything.components
    .filter((component) => refs.has(component['bom-ref']))
    .map((component) => ({
      ...component,
      scope: scopes.get(component['bom-ref']) ? 'optional' : 'required',
      properties: component.properties.filter((property) => property.name !== 'cdx:npm:package:development'),
    })),
  dependencies: everything.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((each) => refs.has(each)) })),
}
const text = `${JSON.stringify(bom, null, 2)}\n`
if (process.argv[2] === undefined) process.stdout.write(text)
else writeFileSync(process.argv[2], text)

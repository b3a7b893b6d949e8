// Makes the packages of a release from the binaries of `npm run build:binary`. Needs the built program (npm run build), whose
// help becomes the manual pages.
//   node scripts/packages.mjs deb|rpm|archives|manifests|chart … [--binaries DIR] [--out DIR] [--repository OWNER/NAME]
//     deb        sealpost_amd64.deb …          needs dpkg-deb
//     rpm        sealpost.x86_64.rpm …         needs rpmbuild (Debian: rpm)
//     archives   sealpost-linux-x64.tar.xz, sealpost-win32-x64.zip …     needs tar, xz and zip
//     manifests  Homebrew, Scoop and winget; with the hashes of the archives, all of which must be in DIR
//     chart      sealpost-chart.tgz, the Helm chart
//     --binaries default dist-binary; --out default dist-packages
// Each kind makes packages for the binaries that it finds. The same binary gives the same octets.
import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { makeArchives, makeChart } from './packages/archives.mjs'
import { release } from './packages/common.mjs'
import { makeDebs } from './packages/deb.mjs'
import { makeManifests } from './packages/manifests.mjs'
import { makeRpms } from './packages/rpm.mjs'

const kinds = { deb: makeDebs, rpm: makeRpms, archives: makeArchives, manifests: makeManifests, chart: makeChart }

const { values, positionals } = parseArgs({
  options: {
    binaries: { type: 'string', default: 'dist-binary' },
    out: { type: 'string', default: 'dist-packages' },
    repository: { type: 'string' },
  },
  allowPositionals: true,
})
if (positionals.length === 0 || positionals.some((kind) => !Object.hasOwn(kinds, kind))) {
  console.error(`packages: name one or more of ${Object.keys(kinds).join(', ')}`)
  process.exit(2)
}
const [binaries, out] = [resolve(values.binaries), resolve(values.out)]
process.chdir(fileURLToPath(new URL('..', import.meta.url)))
mkdirSync(out, { recursive: true })
for (const kind of positionals) {
  const made = await kinds[kind]({ binaries, out, ...release(values.repository) })
  for (const file of made) console.log(file)
  if (made.length === 0) {
    console.error(`packages: ${binaries} has no binary for ${kind}; run npm run build:binary`)
    process.exitCode = 1
  }
}

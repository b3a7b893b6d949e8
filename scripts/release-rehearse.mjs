// Rehearses a release: makes its files, publishes them to registries on this machine, runs README's install lines word for
// word in empty folders until a mail has arrived, and checks hashes, signature, provenance, SBOM, licences and npm audit.
// The workflow of a release calls it before it publishes, and publishes the files of --keep.
//   npm run release:rehearse -- [--short] [--binaries DIR] [--stand-in] [--image NAME] [--keep DIR] [--only NAME,…]
//     --short     without the checkout and MailDev; without the image unless --image names one
//     --binaries  what npm run build:binary has made; default: dist-binary
//     --stand-in  a script that runs dist/ with Node.js in the place of a binary that is missing
//     --image     publish this image of podman instead of building docker/Dockerfile
//     --keep      folder for the files of the release
//     --only      some of npx, npm, image, binary, deb, checkout, maildev
// Needs dpkg-deb, rpmbuild, cosign, curl, openssl, xz, zip, and podman and docker-registry for the image; root for .deb.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { publishedAt, releaseLines, render } from './install-lines.mjs'
import { run } from './packages/common.mjs'
import { checks, packManifests, packNpm, sign, writeSums } from './rehearse/assets.mjs'
import { buildImage, PublishedImage } from './rehearse/images.mjs'
import { installers } from './rehearse/lines.mjs'
import { endAll } from './rehearse/processes.mjs'
import { publish, redirectCurl, startGitHub, startImageRegistry, startNpmRegistry } from './rehearse/servers.mjs'

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    binaries: { type: 'string', default: 'dist-binary' },
    'stand-in': { type: 'boolean', default: false },
    image: { type: 'string' },
    keep: { type: 'string' },
    only: { type: 'string' },
  },
})
const binaries = resolve(values.binaries)
process.chdir(fileURLToPath(new URL('..', import.meta.url)))

const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
const repository = publishedAt ?? 'rehearsal/sealpost'
/** README as it is after the release. */
const readme = render(readFileSync('README.md', 'utf8'), { version, published: repository })
const folder = mkdtempSync(join(tmpdir(), 'sealpost-rehearsal-'))
const assets = values.keep === undefined ? join(folder, 'assets') : resolve(values.keep)
for (const each of [assets, join(folder, 'bin')]) mkdirSync(each, { recursive: true })

const say = (line) => console.log(line)
const mb = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`
const program = (path, text) => {
  writeFileSync(path, text)
  chmodSync(path, 0o755)
}

const USE_NPM = ['npx', 'npm', 'checkout', 'maildev']

/** Returns the install lines of README that this rehearsal runs. @throws Error if README shows other lines */
function linesOfReadme() {
  const lines = releaseLines(repository)
  const shown = /\n## Install\n([^]*?)\n## /.exec(readme)?.[1].split('\n') ?? []
  const missing = Object.values(lines).filter((line) => !shown.includes(line))
  if (missing.length > 0) throw new Error(`README does not show: ${missing.join('; ')}`)
  const all = { ...lines, checkout: 'npm ci && npm start', maildev: undefined }
  const inShort = Object.keys(lines).filter((name) => name !== 'image' || values.image !== undefined)
  const wanted = values.only?.split(',') ?? (values.short ? inShort : Object.keys(all))
  return wanted.map((name) => [name, all[name]])
}

function makeAssets() {
  const { size, unpackedSize, entryCount } = packNpm(assets, values)
  say(`npm package: ${mb(size)}, unpacked ${mb(unpackedSize)} in ${entryCount} files`)
  const from = existsSync(binaries) && readdirSync(binaries).length > 0 ? binaries : standIn()
  const kinds = ['archives', 'deb', 'chart', ...(values.short ? [] : ['rpm'])]
  run(process.execPath, [
    'scripts/packages.mjs',
    ...kinds,
    '--binaries',
    from,
    '--out',
    assets,
    '--repository',
    repository,
  ])
  if (existsSync(join(assets, 'sealpost-win32-x64.zip')))
    run(process.execPath, ['scripts/packages.mjs', 'manifests', '--out', assets, '--repository', repository])
  else say('no manifests for Homebrew, Scoop and winget: they need the binaries of all platforms')
  packManifests(assets)
  writeSums(assets, { repository, version })
  sign(folder, assets)
  for (const name of readdirSync(assets).sort()) say(`${name}: ${mb(statSync(join(assets, name)).size)}`)
}

function standIn() {
  if (!values['stand-in']) throw new Error(`${binaries} has no binary; run npm run build:binary, or pass --stand-in`)
  say('the binary is a stand-in: a script that runs dist/ with Node.js')
  const from = join(folder, 'binaries')
  mkdirSync(from)
  program(
    join(from, 'sealpost-linux-x64'),
    `#!/bin/sh\nexec '${process.execPath}' '${resolve('dist/src/cli/main.js')}' "$@"\n`,
  )
  return from
}

async function rehearse() {
  const lines = linesOfReadme()
  const wantsImage = lines.some(([name]) => name === 'image')
  makeAssets()
  for (const [name, check] of Object.entries(checks)) say(`${name}: ${check({ folder, assets, version })}`)

  const registry = lines.some(([name]) => USE_NPM.includes(name)) ? await startNpmRegistry(folder, process.env) : ''
  if (registry) publish(join(assets, `sealpost-${version}.tgz`), registry, { HOME: folder })
  redirectCurl(folder, await startGitHub(folder, { assets, repository, version }))
  // On a copy of this machine, root needs no sudo.
  program(join(folder, 'bin/sudo'), '#!/bin/sh\nexec "$@"\n')
  const image = wantsImage ? new PublishedImage(folder, await startImageRegistry(folder), repository) : undefined
  if (image) {
    image.push(values.image ?? buildImage('localhost/sealpost-rehearsal'), version)
    say(`signature of the image: ${await image.sign()}`)
  }

  say('\n| installed by | first mail seen after | downloaded | on disk |\n|---|---|---|---|')
  try {
    for (const [name, line] of lines) {
      const { seconds, download, disk } = await installers[name](line, { folder, assets, registry, readme, image })
      say(`| ${name} | ${seconds.toFixed(1)} s | ${download.toFixed(1)} MB | ${disk.toFixed(1)} MB |`)
    }
  } finally {
    image?.remove()
  }
}

say(
  `Sealpost ${version}, ${new Date().toISOString().slice(0, 10)}, Node.js ${process.version}, ${cpus().length} × ${cpus()[0]?.model}\n`,
)
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await endAll()
    rmSync(folder, { recursive: true, force: true })
    process.exit(1)
  })
}
try {
  await rehearse()
  say('\nEverything that README says works.')
} catch (error) {
  console.error(`rehearsal: ${error.message}`)
  process.exitCode = 1
} finally {
  await endAll()
  rmSync(folder, { recursive: true, force: true })
}

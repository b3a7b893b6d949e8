import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../packages/common.mjs'
import { runtimePackages } from '../runtime-packages.mjs'

const PASSWORD = 'rehearsal'
const SUMS = 'SHA256SUMS'

const hashOf = (file) => createHash('sha256').update(readFileSync(file)).digest('hex')

/** Packs the npm package as `npm publish` does, with its SBOM. In the short form, dist/ is not built again for it. */
export function packNpm(assets, { short }) {
  if (short) run(process.execPath, ['scripts/sbom.mjs', 'sbom.cdx.json'])
  const scripts = short ? '--ignore-scripts' : '--foreground-scripts=false'
  const [packed] = JSON.parse(run('npm', ['pack', '--json', scripts, '--pack-destination', assets]))
  writeFileSync(join(assets, 'sbom.cdx.json'), readFileSync('sbom.cdx.json'))
  return packed
}

/** Packs what package managers read of a release into one file. */
export function packManifests(assets) {
  if (!existsSync(join(assets, 'winget'))) return
  const folders = ['homebrew', 'scoop', 'winget']
  run('tar', ['-cJf', 'manifests.tar.xz', '--sort=name', '--owner=0', '--group=0', ...folders], { cwd: assets })
  run('rm', ['-r', ...folders], { cwd: assets })
}

/** Returns the files of the release. */
const filesOf = (assets) =>
  readdirSync(assets)
    .filter((name) => !name.startsWith(SUMS))
    .sort()

/**
 * Writes provenance.json (which commit the files come from, in the form of SLSA) and SHA256SUMS.
 * https://slsa.dev/spec/v1.0/provenance
 */
export function writeSums(assets, { repository, version }) {
  const subject = filesOf(assets).map((name) => ({ name, digest: { sha256: hashOf(join(assets, name)) } }))
  const uri = `git+https://github.com/${repository}`
  const commit = run('git', ['rev-parse', 'HEAD']).trim()
  const workflow = process.env.GITHUB_WORKFLOW_REF ?? 'rehearsal'
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject,
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: `https://github.com/${repository}/blob/main/docs/releasing.md`,
        externalParameters: { ref: `refs/tags/v${version}`, repository: `https://github.com/${repository}` },
        resolvedDependencies: [{ uri, digest: { gitCommit: commit } }],
      },
      runDetails: { builder: { id: workflow } },
    },
  }
  writeFileSync(join(assets, 'provenance.json'), `${JSON.stringify(statement, undefined, 2)}\n`)
  writeFileSync(
    join(assets, SUMS),
    filesOf(assets)
      .map((name) => `${hashOf(join(assets, name))}  ${name}\n`)
      .join(''),
  )
}

/** Signs SHA256SUMS with cosign and a throw-away key. The workflow signs without a key. */
export function sign(folder, assets) {
  const env = { COSIGN_PASSWORD: PASSWORD }
  run('cosign', ['generate-key-pair'], { cwd: folder, env })
  const args = [
    '--key',
    join(folder, 'cosign.key'),
    '--tlog-upload=false',
    '--yes',
    '--bundle',
    join(assets, `${SUMS}.sig`),
  ]
  run('cosign', ['sign-blob', ...args, join(assets, SUMS)], { env })
}

const verify = (folder, assets, file) =>
  run('cosign', [
    'verify-blob',
    '--key',
    join(folder, 'cosign.pub'),
    '--insecure-ignore-tlog',
    '--bundle',
    join(assets, `${SUMS}.sig`),
    file,
  ])

/** Checks what belongs to the files of a release. Each check returns what it found, or throws. */
export const checks = {
  hashes: ({ assets }) => {
    run('sha256sum', ['--check', '--quiet', SUMS], { cwd: assets })
    return `${filesOf(assets).length} files`
  },
  signature: ({ folder, assets }) => {
    verify(folder, assets, join(assets, SUMS))
    const changed = join(folder, SUMS)
    writeFileSync(
      changed,
      readFileSync(join(assets, SUMS), 'utf8').replace(/^./, (digit) => (digit === '0' ? '1' : '0')),
    )
    try {
      verify(folder, assets, changed)
    } catch {
      return 'valid; a changed file is refused'
    }
    throw new Error('the signature is valid for a changed file, too')
  },
  provenance: ({ assets }) => {
    const { subject, predicate } = JSON.parse(readFileSync(join(assets, 'provenance.json'), 'utf8'))
    const wrong = subject.filter(({ name, digest }) => hashOf(join(assets, name)) !== digest.sha256)
    if (wrong.length > 0)
      throw new Error(`the provenance has other hashes of ${wrong.map(({ name }) => name).join(', ')}`)
    const [{ digest }] = predicate.buildDefinition.resolvedDependencies
    if (run('git', ['rev-parse', 'HEAD']).trim() !== digest.gitCommit)
      throw new Error('the provenance names another commit')
    return `${subject.length} files, commit ${digest.gitCommit.slice(0, 12)}`
  },
  SBOM: ({ assets, version }) => {
    const { bomFormat, components, metadata } = JSON.parse(readFileSync(join(assets, 'sbom.cdx.json'), 'utf8'))
    if (bomFormat !== 'CycloneDX' || metadata.component.version !== version)
      throw new Error('the SBOM is of another version')
    const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'))
    const wanted = new Set([...runtimePackages(lock).values()].map(({ name, version: each }) => `${name}@${each}`))
    const found = new Set(components.map(({ 'bom-ref': ref }) => ref))
    const missing = [...wanted].filter((ref) => !found.has(ref))
    const bare = components.filter(({ licenses, hashes }) => !licenses?.length || !hashes?.length)
    if (missing.length > 0 || bare.length > 0)
      throw new Error(
        `the SBOM lacks ${[...missing, ...bare.map(({ name }) => `licence or hash of ${name}`)].join(', ')}`,
      )
    return `${components.length} packages, each with licence and hash`
  },
  licences: () => run(process.execPath, ['scripts/lint/licences.mjs']).trim(),
  'npm audit': () => {
    const report = JSON.parse(
      spawnSync('npm', ['audit', '--omit=dev', '--package-lock-only', '--json'], { encoding: 'utf8' }).stdout,
    )
    if (report.error || !report.metadata)
      return `not checked: ${report.message || report.error?.summary || 'no answer'}`
    const { total, high, critical } = report.metadata.vulnerabilities
    if (high + critical > 0)
      throw new Error(`${high} high and ${critical} critical vulnerabilities; run npm audit --omit=dev`)
    return `${total} vulnerabilities`
  },
}

// Makes a release: sets the version, dates the changelog, checks everything, commits and tags. It pushes nothing.
//   node scripts/release.mjs major|minor|patch|VERSION [--dry-run] [--skip-checks] [--repository OWNER/NAME]
//     --repository: where the first release is published, for the install lines of the pages; default: the remote origin
//   node scripts/release.mjs notes [VERSION]      prints the section of the changelog (default: the version of the package)
// A failure leaves the checkout as it was. The tag starts .github/workflows/release.yml, which publishes.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { publishedAt, writePages } from './install-lines.mjs'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))

/** The checks that a release must pass. `npm run test:runners` and `test:package` need the npm registry. */
const CHECKS = [
  ['run', 'lint'],
  ['run', 'typecheck'],
  ['run', 'test:slow'],
  ['run', 'test:runners', '--', '--short'],
  ['run', 'test:package'],
]

/** The places that name the version, besides package.json and package-lock.json. */
const NAMED_IN = {
  'docker/Dockerfile': (version) => [/^ARG VERSION=.*$/gm, `ARG VERSION=${version}`],
  'packaging/helm/sealpost/Chart.yaml': (version) => [/^(version|appVersion): .*$/gm, `$1: ${version}`],
}

/** Small stores of all versions. The tests open each, so that every later version keeps what they hold. */
const FIXTURES = 'test/storage/upgrades/fixtures'
const UNRELEASED = '## [Unreleased]'

class ReleaseError extends Error {}

function run(command, args, { shows = false } = {}) {
  const stdio = shows ? 'inherit' : 'pipe'
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', stdio })
  if (status !== 0) throw new ReleaseError(`${command} ${args.join(' ')} failed\n${stderr ?? ''}`.trim())
  return stdout?.trim() ?? ''
}

const currentVersion = () => JSON.parse(readFileSync('package.json', 'utf8')).version

/** Returns the numbers and the pre-release of a version. Semantic Versioning 2.0.0 section 2. */
function parsed(version) {
  const [, major, minor, patch, pre] = /^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?$/.exec(version) ?? []
  if (major === undefined)
    throw new ReleaseError(
      `${version} is not a version; write major, minor, patch, or a version such as 1.2.0 or 1.2.0-rc.1`,
    )
  return { numbers: [Number(major), Number(minor), Number(patch)], pre }
}

const STEPS = { major: 0, minor: 1, patch: 2 }

/** Returns the version that follows. A pre-release is followed by its release. */
function nextVersion(current, wanted) {
  if (!Object.hasOwn(STEPS, wanted)) return parsed(wanted) && wanted
  const { numbers, pre } = parsed(current)
  const step = STEPS[wanted]
  if (pre !== undefined && numbers.slice(step + 1).every((number) => number === 0)) return numbers.join('.')
  return numbers.map((number, at) => (at < step ? number : at === step ? number + 1 : 0)).join('.')
}

/** Returns the lines of a section of the changelog without its heading. */
function sectionOf(changelog, heading) {
  const lines = changelog.split('\n')
  const start = lines.findIndex((line) => line === heading || line.startsWith(`${heading} - `))
  if (start === -1) return undefined
  const end = lines.findIndex((line, at) => at > start && line.startsWith('## '))
  return lines
    .slice(start + 1, end === -1 ? undefined : end)
    .join('\n')
    .trim()
}

function assertCanRelease(version) {
  const changes = run('git', ['status', '--porcelain'])
  if (changes !== '') throw new ReleaseError(`the checkout has changes; commit or stash them first:\n${changes}`)
  const branch = run('git', ['branch', '--show-current'])
  if (branch !== 'main') throw new ReleaseError(`releases are made on main; this is ${branch || 'no branch'}`)
  assertUpToDate()
  const tags = run('git', ['tag', '--list', 'v*']).split('\n').filter(Boolean)
  if (tags.includes(`v${version}`)) throw new ReleaseError(`the tag v${version} exists already`)
  if (!sectionOf(readFileSync('CHANGELOG.md', 'utf8'), UNRELEASED)) {
    throw new ReleaseError('CHANGELOG.md has nothing under [Unreleased]; say there what users will notice')
  }
}

/** A tag on an old commit could not be pushed together with main. */
function assertUpToDate() {
  const upstream = run('git', ['for-each-ref', '--format=%(upstream:short)', 'refs/heads/main'])
  if (upstream === '') return
  run('git', ['fetch', '--quiet', '--tags', upstream.split('/')[0]])
  const behind = Number(run('git', ['rev-list', '--count', `HEAD..${upstream}`]))
  if (behind > 0) throw new ReleaseError(`main lacks ${behind} commits of ${upstream}; run git pull first`)
}

function setVersion(version, repository) {
  run('npm', ['version', version, '--no-git-tag-version', '--allow-same-version', '--ignore-scripts'])
  for (const [file, change] of Object.entries(NAMED_IN)) {
    const text = readFileSync(file, 'utf8')
    const [pattern, replacement] = change(version)
    if (text.search(pattern) === -1) throw new ReleaseError(`${file} no longer names the version; see NAMED_IN`)
    writeFileSync(file, text.replaceAll(pattern, replacement))
  }
  setInstallLines(version, repository)
  const date = new Date().toISOString().slice(0, 10)
  const changelog = readFileSync('CHANGELOG.md', 'utf8')
  const dated = changelog.replace(UNRELEASED, `${UNRELEASED}\n\n## [${version}] - ${date}`)
  writeFileSync('CHANGELOG.md', dated.replace(/^This becomes .*, the first release\.\n\n/m, ''))
}

const INSTALL_LINES = 'scripts/install-lines.mjs'

/** Turns the install lines of all pages to the release. A pre-release is not what they install. */
function setInstallLines(version, repository) {
  const published = publishedAt ?? (parsed(version).pre === undefined ? repository : undefined)
  const text = readFileSync(INSTALL_LINES, 'utf8')
  writeFileSync(
    INSTALL_LINES,
    text.replace(/^(export const publishedAt = ).*$/m, published === undefined ? '$&' : `$1'${published}'`),
  )
  writePages('.', { version, published })
}

/** Returns `owner/name` of the remote repository on GitHub. The image is published under this name, in lower case. */
function repositoryOnGitHub(given) {
  const origin = given ?? run('git', ['config', '--default', '', '--get', 'remote.origin.url'])
  const [, name] = /^(?:.*github\.com[/:])?([\w.-]+\/[\w.-]+?)(?:\.git)?\/?$/.exec(origin) ?? []
  if (publishedAt === undefined && (name === undefined || (given === undefined && !origin.includes('github.com'))))
    throw new ReleaseError('the remote origin is no repository on GitHub; name it with --repository OWNER/NAME')
  return name?.toLowerCase()
}

function release(wanted, { dryRun, skipChecks, ...options }) {
  const version = nextVersion(currentVersion(), wanted)
  assertCanRelease(version)
  const repository = repositoryOnGitHub(options.repository)
  try {
    setVersion(version, repository)
    if (dryRun) {
      console.log(run('git', ['diff', '--stat']))
      console.log(`Would release ${version}.`)
      run('git', ['checkout', '--', '.'])
      return
    }
    run('npm', ['run', 'store:fixture'], { shows: true })
    for (const check of skipChecks ? [] : CHECKS) run('npm', check, { shows: true })
    run('git', ['add', '--all', FIXTURES])
    run('git', ['commit', '--all', '--message', `release: ${version}`])
  } catch (error) {
    run('git', ['reset', '--quiet', '--hard'])
    run('git', ['clean', '--quiet', '--force', '-d', FIXTURES])
    throw error
  }
  run('git', ['tag', '--annotate', `v${version}`, '--message', `Sealpost ${version}`])
  console.log(`Released ${version} in this checkout. Publish it with: git push --follow-tags`)
}

function printNotes(version) {
  const notes = sectionOf(readFileSync('CHANGELOG.md', 'utf8'), `## [${version}]`)
  if (!notes) throw new ReleaseError(`CHANGELOG.md has no section for ${version}`)
  console.log(notes)
}

try {
  const { values, positionals } = parseArgs({
    options: {
      'dry-run': { type: 'boolean', default: false },
      'skip-checks': { type: 'boolean', default: false },
      repository: { type: 'string' },
    },
    allowPositionals: true,
  })
  const [wanted, version, ...rest] = positionals
  if (wanted === undefined || rest.length > 0 || (version !== undefined && wanted !== 'notes')) {
    throw new ReleaseError('write: npm run release -- major|minor|patch|VERSION [--dry-run] [--skip-checks]')
  }
  if (wanted === 'notes') printNotes(version ?? currentVersion())
  else release(wanted, { dryRun: values['dry-run'], skipChecks: values['skip-checks'], repository: values.repository })
} catch (error) {
  if (!(error instanceof ReleaseError) && error.code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') throw error
  console.error(`release: ${error.message}`)
  process.exitCode = 1
}

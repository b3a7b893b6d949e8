import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { installLines } from './install-lines.ts'

const { PAGES } = await installLines()

const repository = fileURLToPath(new URL('../../', import.meta.url))
const today = new Date().toISOString().slice(0, 10)

/** A repository with the files that a release changes. */
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sealpost-release-'))
  for (const file of ['scripts/release.mjs', 'scripts/install-lines.mjs', 'docker/Dockerfile', ...PAGES]) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    copyFileSync(join(repository, file), join(folder, file))
  }
  setPackage({ lint: 'exit 0' })
  write('CHANGELOG.md', '# Changelog\n\n## [Unreleased]\n\n### Added\n\n- Something new.\n')
  git('init', '--quiet', '--initial-branch', 'main')
  commit()
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Stands for scripts/store-fixture.mjs, which needs the whole repository. */
const fixture =
  'mkdir -p test/storage/upgrades/fixtures && echo a >test/storage/upgrades/fixtures/$npm_package_version.tar.gz'

const write = (file: string, text: string): void => writeFileSync(join(folder, file), text)
const read = (file: string): string => readFileSync(join(folder, file), 'utf8')

function setPackage(scripts: Readonly<Record<string, string>>, version = '0.1.0'): void {
  const all = {
    typecheck: 'exit 0',
    'test:slow': 'exit 0',
    'test:runners': 'exit 0',
    'test:package': 'exit 0',
    'store:fixture': fixture,
    ...scripts,
  }
  write('package.json', `${JSON.stringify({ name: 'sealpost', version, scripts: all }, undefined, 2)}\n`)
}

function run(command: string, args: readonly string[]) {
  const who = ['AUTHOR', 'COMMITTER'].flatMap((role) => [
    [`GIT_${role}_NAME`, 'Release test'],
    [`GIT_${role}_EMAIL`, 'release@lab.test'],
  ])
  const env = { ...process.env, ...Object.fromEntries(who), GIT_CONFIG_GLOBAL: '/dev/null' }
  return spawnSync(command, args, { cwd: folder, encoding: 'utf8', env })
}

function git(...args: string[]): string {
  const { status, stdout, stderr } = run('git', args)
  expect([status, stderr]).toEqual([0, ''])
  return stdout.trim()
}

function commit(file?: string, text = ''): void {
  if (file !== undefined) write(file, text)
  git('add', '--all')
  git('commit', '--quiet', '--message', 'a change')
}

/** Pushes a commit to another repository, and takes it back here. */
function setUpstream(): void {
  git('init', '--quiet', '--bare', '.git/upstream')
  git('remote', 'add', 'origin', '.git/upstream')
  commit('more.txt', 'more')
  git('push', '--quiet', '--set-upstream', 'origin', 'main')
  git('reset', '--quiet', '--hard', 'HEAD~1')
}

const release = (...args: string[]) => {
  const where = args[0] === 'notes' ? [] : ['--repository', 'Someone/sealpost']
  return run(process.execPath, [join(folder, 'scripts/release.mjs'), ...args, ...where])
}

const versionOf = (): string => JSON.parse(read('package.json')).version

describe('npm run release', () => {
  test('sets the version everywhere, dates the changelog, commits and tags', () => {
    const { status, stdout, stderr } = release('minor')
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toContain('Released 0.2.0 in this checkout. Publish it with: git push --follow-tags\n')
    expect(versionOf()).toBe('0.2.0')
    expect(read('docker/Dockerfile')).toMatch(/^ARG VERSION=0\.2\.0$/m)
    expect(read('packaging/helm/sealpost/Chart.yaml')).toMatch(/^version: 0\.2\.0\nappVersion: 0\.2\.0$/m)
    expect(read('README.md')).toContain('ghcr.io/someone/sealpost\n')
    expect(read('docs/testing.md')).toContain('sealpost-0.2.0.tgz')
    for (const page of PAGES)
      expect([page, read(page)]).toEqual([page, expect.not.stringMatching(/OWNER|0\.1\.0\.tgz/)])
    expect(read('scripts/install-lines.mjs')).toContain("export const publishedAt = 'someone/sealpost'\n")
    expect(read('CHANGELOG.md')).toBe(
      `# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - ${today}\n\n### Added\n\n- Something new.\n`,
    )
    expect(git('log', '-1', '--format=%s')).toBe('release: 0.2.0')
    expect(git('ls-files', 'test')).toBe('test/storage/upgrades/fixtures/0.2.0.tar.gz')
    expect(git('cat-file', '-t', 'v0.2.0')).toBe('tag')
    expect(git('rev-parse', 'v0.2.0^{commit}')).toBe(git('rev-parse', 'HEAD'))
    expect(git('status', '--porcelain')).toBe('')
    expect(release('notes').stdout).toBe('### Added\n\n- Something new.\n')
  })

  test.each([
    ['0.1.0', 'patch', '0.1.1'],
    ['0.1.0', 'major', '1.0.0'],
    ['1.2.3', 'minor', '1.3.0'],
    ['0.1.0', '0.1.0', '0.1.0'],
    ['1.2.3', '2.0.0-rc.1', '2.0.0-rc.1'],
    ['2.0.0-rc.1', 'major', '2.0.0'],
    ['2.0.0-rc.1', 'minor', '2.0.0'],
    ['2.0.1-rc.1', 'minor', '2.1.0'],
  ])('%s, %s: %s', (from, wanted, to) => {
    setPackage({}, from)
    write('CHANGELOG.md', `${read('CHANGELOG.md')}- ${from}\n`)
    commit()
    expect(release(wanted, '--skip-checks')).toMatchObject({ status: 0, stderr: '' })
    expect([versionOf(), git('tag')]).toEqual([to, `v${to}`])
  })

  test('a failed check leaves everything as it was', () => {
    setPackage({ lint: 'exit 0', 'test:slow': 'exit 3' })
    commit()
    const before = git('rev-parse', 'HEAD')
    const { status, stderr } = release('minor')
    expect([status, stderr]).toEqual([1, expect.stringContaining('release: npm run test:slow failed')])
    expect([git('rev-parse', 'HEAD'), git('tag'), git('status', '--porcelain')]).toEqual([before, '', ''])
    expect([versionOf(), existsSync(join(folder, 'test/storage/upgrades/fixtures/0.2.0.tar.gz'))]).toEqual([
      '0.1.0',
      false,
    ])
  })

  test('a pre-release leaves the install lines as they are', () => {
    expect(release('0.2.0-rc.1', '--skip-checks')).toMatchObject({ status: 0, stderr: '' })
    expect(read('README.md')).toContain('Nothing is published yet.')
    expect(read('scripts/install-lines.mjs')).toContain('export const publishedAt = undefined\n')
  })

  test('the first release needs the repository on GitHub', () => {
    const without = () => run(process.execPath, [join(folder, 'scripts/release.mjs'), '0.1.0', '--skip-checks'])
    expect(without().stderr).toContain('name it with --repository OWNER/NAME')
    git('remote', 'add', 'origin', 'git@github.com:someone/mail-lab.git')
    expect(without()).toMatchObject({ status: 0, stderr: '' })
    expect(read('README.md')).toContain('https://github.com/someone/mail-lab/releases/latest/download/')
  })

  test('--dry-run changes nothing', () => {
    const { status, stdout } = release('minor', '--dry-run')
    expect([status, stdout]).toEqual([0, expect.stringMatching(/CHANGELOG\.md[^]*Would release 0\.2\.0\.\n$/)])
    expect([versionOf(), git('status', '--porcelain'), git('tag')]).toEqual(['0.1.0', '', ''])
  })

  test.each([
    ['changes that are not committed', () => write('README.md', 'changed'), 'the checkout has changes; commit'],
    ['another branch', () => git('switch', '--quiet', '--create', 'other'), 'releases are made on main; this is other'],
    ['a main that is behind', () => setUpstream(), 'main lacks 1 commits of origin/main; run git pull first'],
    ['an existing tag', () => git('tag', 'v0.2.0'), 'the tag v0.2.0 exists already'],
    ['nothing to say', () => commit('CHANGELOG.md', '## [Unreleased]\n\n## [0.1.0]\n'), 'nothing under'],
    ['a file without the version', () => commit('docker/Dockerfile', 'none'), 'Dockerfile no longer names the version'],
  ])('refuses a release with %s', (_, prepare, why) => {
    prepare()
    const before = git('status', '--porcelain')
    const { status, stderr } = release('minor', '--skip-checks')
    expect([status, stderr]).toEqual([1, expect.stringContaining(why)])
    expect([versionOf(), git('status', '--porcelain')]).toEqual(['0.1.0', before])
  })

  test.each([['huge'], ['1.2'], ['--force'], []])('refuses %s', (...args) => {
    const { status, stderr } = release(...(args as string[]))
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^release: /)])
  })
})

test('the scripts and files that the workflows run exist', () => {
  const workflows = join(repository, '.github/workflows')
  const { scripts } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'))
  const lines = readdirSync(workflows).flatMap((file) => {
    const { jobs } = parse(readFileSync(join(workflows, file), 'utf8')) as {
      jobs: Record<string, { steps: { run?: string }[]; strategy?: { matrix?: { form?: string[] } } }>
    }
    return Object.values(jobs).flatMap(({ steps, strategy }) =>
      steps.flatMap(({ run: line = '' }) =>
        (strategy?.matrix?.form ?? ['']).map((form) => line.replace(/\$\{\{ matrix\.form \}\}/g, form)),
      ),
    )
  })
  const used = lines.join('\n')
  const names = Array.from(used.matchAll(/npm run ([\w:]+)/g), ([, name]) => name ?? '')
  const files = Array.from(used.matchAll(/node (scripts\/[\w./-]+\.mjs)/g), ([, file]) => file ?? '')
  expect(names.length).toBeGreaterThan(2)
  expect(names.filter((name) => !Object.hasOwn(scripts, name))).toEqual([])
  expect(files).toContain('scripts/release.mjs')
  expect(files.filter((file) => !existsSync(join(repository, file)))).toEqual([])
})

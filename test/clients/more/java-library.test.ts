import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasFile, ifInstalled } from '../../support/more-programs.ts'
import { runProgram } from '../../support/run-program.ts'

const repository = fileURLToPath(new URL('../../../', import.meta.url))
/** The artifacts of Debian's packages, which Maven needs without a network. */
const ARTIFACTS = '/usr/share/maven-repo'
const SUREFIRE = '2.22.3'
const needed = [
  ...['compiler', 'install', 'jar', 'resources'].map((name) => `org/apache/maven/plugins/maven-${name}-plugin`),
  `org/apache/maven/plugins/maven-surefire-plugin/${SUREFIRE}`,
  'org/junit/jupiter/junit-jupiter',
  'com/sun/mail/jakarta.mail',
].map((path) => hasFile(join(ARTIFACTS, path)))

/** Maven builds clients/java in a folder of its own, runs its tests, and installs it into a repository of its own. */
describe.skipIf(!ifInstalled('mvn', 'javac', ...needed))('the Java library', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sealpost-java-'))
    cpSync(join(repository, 'clients/java'), folder, { recursive: true })
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('passes its tests with a lab in a process, and is installed from its folder', async () => {
    // Maven writes beside the artifacts that it reads.
    await runProgram('cp', ['-rs', `${ARTIFACTS}/.`, join(folder, 'repository')])
    const options = ['-o', '-B', `-Dmaven.repo.local=${join(folder, 'repository')}`, `-Dsurefire.version=${SUREFIRE}`]
    const { status, stdout } = await runProgram('mvn', [...options, 'install'], {
      cwd: folder,
      env: {
        SEALPOST_URL: '',
        SEALPOST_COMMAND: `${process.execPath} ${join(repository, 'dist/src/cli/main.js')}`,
      },
      timeoutMs: 600_000,
    })
    expect(status, stdout).toBe(0)
    expect(stdout).toMatch(/Tests run: \d+, Failures: 0, Errors: 0, Skipped: 0\n/)
    expect(stdout).toMatch(/Installing .*sealpost-0\.1\.0\.jar/)
  }, 600_000)
})

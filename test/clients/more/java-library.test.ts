import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { newFolder } from '../../support/folder.ts'
import { hasFile, ifInstalled } from '../../support/more-programs.ts'
import { type ProgramResult, runProgram } from '../../support/run-program.ts'

const repository = fileURLToPath(new URL('../../../', import.meta.url))
/** The artifacts of Debian's packages, which Maven needs without a network. */
const ARTIFACTS = '/usr/share/maven-repo'
const SUREFIRE = '2.22.3'
const SUREFIRE_OPTION = `-Dsurefire.version=${SUREFIRE}`
const needed = [
  ...['compiler', 'install', 'jar', 'resources'].map((name) => `org/apache/maven/plugins/maven-${name}-plugin`),
  `org/apache/maven/plugins/maven-surefire-plugin/${SUREFIRE}`,
  'org/junit/jupiter/junit-jupiter',
  'com/google/code/gson/gson',
  'com/sun/mail/jakarta.mail',
].map((path) => hasFile(join(ARTIFACTS, path)))

/** Maven builds clients/java in a folder of its own, runs its tests, and installs it into a repository of its own. */
describe.skipIf(!ifInstalled('mvn', 'javac', ...needed))('the Java library', () => {
  let folder: string
  beforeAll(async () => {
    folder = newFolder()
    cpSync(join(repository, 'clients/java'), join(folder, 'library'), { recursive: true })
    // Maven writes beside the artifacts that it reads.
    await runProgram('cp', ['-rs', `${ARTIFACTS}/.`, join(folder, 'repository')])
  })

  const maven = (project: string, goal: string): Promise<ProgramResult> =>
    runProgram('mvn', ['-o', '-B', `-Dmaven.repo.local=${join(folder, 'repository')}`, SUREFIRE_OPTION, goal], {
      cwd: join(folder, project),
      env: {
        SEALPOST_URL: '',
        SEALPOST_COMMAND: `${process.execPath} ${join(repository, 'dist/src/cli/main.js')}`,
      },
      timeoutMs: 600_000,
    })

  it('passes its tests with a lab in a process, is installed from its folder, and does what its page says', async () => {
    const { status, stdout } = await maven('library', 'install')
    expect(status, stdout).toBe(0)
    expect(stdout).toMatch(/Tests run: [1-9]\d*, Failures: 0, Errors: 0, Skipped: 0\n/)
    expect(stdout).toMatch(/Installing .*sealpost-0\.1\.0\.jar/)

    mkdirSync(join(folder, 'shop/src/test/java/shop'), { recursive: true })
    const page = readFileSync(join(repository, 'docs/java.md'), 'utf8')
    const [, dependency = ''] = /^```xml\n(.*?)^```$/ms.exec(page) ?? []
    const [, path = '', code = ''] = /^```java\n\/\/ (\S+\.java)\n(.*?)^```$/ms.exec(page) ?? []
    // The project of the reader has what the library has for its own tests.
    const pom = readFileSync(join(folder, 'library/pom.xml'), 'utf8')
    const shop = pom.replace('<artifactId>sealpost<', '<artifactId>shop<').replace('</dependencies>', `${dependency}$&`)
    writeFileSync(join(folder, 'shop/pom.xml'), shop)
    writeFileSync(join(folder, 'shop', path), code)
    const result = await maven('shop', 'test')
    expect(result.stdout).toMatch(/Tests run: 4, Failures: 0, Errors: 0, Skipped: 0\n/)
  }, 600_000)
})

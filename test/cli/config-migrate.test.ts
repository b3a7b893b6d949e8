import { chmodSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { addMigrate } from '../../src/cli/config/migrate.ts'
import { deprecations } from '../../src/core/config/deprecated-keys.ts'
import { version } from '../../src/core/text/version.ts'
import { Workplace } from '../support/sealpost.ts'

/** A key that only these tests deprecate. */
const row = {
  mappings: ['certificates.default', 'virtualServers.*.certificate', 'virtualServers.*.certificate.*'],
  from: 'kind',
  to: 'variant',
  since: version,
}
const rows = deprecations as unknown as (typeof row)[]

const old = `# The lab of the payment team.
version:   1
certificates:   {default: {kind: p256, hostname: a.test}}  # P-256 for old clients

x-shared: &rsa
    "kind": rsa   # the same
directory: { accounts: [{ user: alice, password: alices-secret }] }
virtualServers:
    - {protocol: smtp, port: 0}
    - protocol: pop3
      certificate: [ auto, *rsa, {defect: expired} ]
      port:      0


# the end`
const current = old.replace('{kind: p256', '{variant: p256').replace('"kind": rsa', 'variant: rsa')

let place: Workplace
beforeEach(() => {
  place = new Workplace()
  rows.push(row)
})
afterEach(() => {
  rows.pop()
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

const content = (name = 'lab.yaml'): string => readFileSync(join(place.folder, name), 'utf8')

/** Runs `sealpost config migrate lab.yaml` in this process, which has the deprecated key above. */
async function migrate(...args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  const [stdout, stderr] = (['stdout', 'stderr'] as const).map((name) => {
    const written: string[] = []
    vi.spyOn(process[name], 'write').mockImplementation((text) => written.push(String(text)) > 0)
    return written
  }) as [string[], string[]]
  const config = new Command()
  addMigrate(config)
  await config.parseAsync(['migrate', join(place.folder, 'lab.yaml'), ...args], { from: 'user' })
  vi.restoreAllMocks()
  return { stdout: stdout.join(''), stderr: stderr.join('') }
}

test('changes only the deprecated keys of the file, and with --dry-run shows the difference', async () => {
  const file = place.write('lab.yaml', old)
  chmodSync(file, 0o640)
  const dry = await migrate('--dry-run')
  expect(dry.stderr).toBe(
    'certificates.default.kind: now variant\nvirtualServers[1].certificate[1].kind: now variant\nNothing was written, because of --dry-run.\n',
  )
  expect(dry.stdout).toContain('-certificates:   {default: {kind: p256, hostname: a.test}}  # P-256 for old clients\n')
  expect(dry.stdout).toContain('+    variant: rsa   # the same\n')
  expect(dry.stdout).not.toContain('alices-secret')
  expect(content()).toBe(old)
  const done = await migrate()
  expect(done.stdout).toBe(dry.stdout)
  expect(done.stderr).toMatch(/\nWritten\.\n$/)
  expect(content()).toBe(current)
  expect([statSync(file).mode & 0o777, readdirSync(place.folder)]).toEqual([0o640, ['lab.yaml']])
  expect(await migrate()).toEqual({
    stdout: '',
    stderr: 'Every key has its present form. Nothing was changed.\n',
  })
  expect((await place.run(['check', '--config', 'lab.yaml'])).status).toBe(0)
})

test.each([
  ['Windows line ends', (text: string) => text.replaceAll('\n', '\r\n')],
  ['a byte order mark', (text: string) => `\uFEFF${text}`],
])('keeps %s', async (_, form) => {
  place.write('lab.yaml', form(old))
  await migrate()
  expect(content()).toBe(form(current))
})

test('prints JSON, and names the variables whose value it cannot change', async () => {
  const file = place.write('lab.yaml', current)
  vi.stubEnv('SEALPOST_CERTIFICATES_DEFAULT', '{ kind: p384 }')
  vi.stubEnv('SEALPOST_PORT_OFFSET', '3000')
  const line = expect.stringMatching(/^SEALPOST_CERTIFICATES_DEFAULT: kind: .*; write variant$/)
  const { stdout } = await migrate('--json')
  expect(JSON.parse(stdout)).toEqual({ file, changes: [], diff: '', written: false, variables: [line] })
  expect((await migrate()).stderr).toContain('SEALPOST_CERTIFICATES_DEFAULT: kind: ')
})

test.each([
  ['a newer version', 'version: 2\n', /^lab\.yaml:1:10: version: is 2, but Sealpost .* supports only version 1/],
  ['a text that is not YAML', 'a: [1\n', /^lab\.yaml:1:4: YAML: /],
])('refuses %s and writes nothing', async (_, text, why) => {
  place.write('lab.yaml', text)
  const { status, stdout, stderr } = await place.run(['config', 'migrate', 'lab.yaml'])
  expect([status, stdout, stderr]).toEqual([2, '', expect.stringMatching(why)])
  expect([content(), readdirSync(place.folder)]).toEqual([text, ['lab.yaml']])
})

test('names a file that it cannot read', async () => {
  const { status, stderr } = await place.run(['config', 'migrate', 'missing.yaml'])
  expect([status, stderr]).toEqual([2, expect.stringContaining('missing.yaml')])
})

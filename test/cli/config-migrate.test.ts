import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Workplace } from '../support/sealpost.ts'

const old = `# The lab of the payment team.
version:   1
certificate:   {defect: p256, hostname: a.test}  # P-256 for old clients

x-shared: &rsa
    "defect": rsa   # the same
directory: { accounts: [{ user: alice, password: alices-secret }] }
virtualServers:
    - {protocol: smtp, port: 0}
    - protocol: pop3
      certificate: [ auto, *rsa, {defect: expired} ]
      port:      0


# the end`
const current = old.replace('{defect: p256', '{variant: p256').replace('"defect": rsa', 'variant: rsa')

let place: Workplace
beforeEach(() => {
  place = new Workplace()
})
afterEach(() => place.remove())

const content = (name = 'lab.yaml'): string => readFileSync(join(place.folder, name), 'utf8')
const migrate = (args: readonly string[], env = {}) => place.run(['config', 'migrate', ...args], { env })

test('shows the difference, and with --write changes only the deprecated keys of the file', async () => {
  const file = place.write('lab.yaml', old)
  chmodSync(file, 0o640)
  const dry = await migrate(['lab.yaml'])
  expect([dry.status, dry.stderr]).toEqual([
    0,
    'certificate.defect: now variant: p256\nvirtualServers[1].certificate[1].defect: now variant: rsa\nNothing was written. To write the file: --write\n',
  ])
  expect(dry.stdout).toContain('-certificate:   {defect: p256, hostname: a.test}  # P-256 for old clients\n')
  expect(dry.stdout).toContain('+    variant: rsa   # the same\n')
  expect(dry.stdout).not.toContain('alices-secret')
  expect(content()).toBe(old)
  const done = await migrate(['lab.yaml', '--write'])
  expect([done.status, done.stdout]).toEqual([0, dry.stdout])
  expect(done.stderr).toMatch(/\nWritten\.\n$/)
  expect(content()).toBe(current)
  expect([statSync(file).mode & 0o777, readdirSync(place.folder)]).toEqual([0o640, ['lab.yaml']])
  const again = await migrate(['lab.yaml', '--write'])
  expect([again.stdout, again.stderr]).toEqual(['', 'Every key has its present form. Nothing was changed.\n'])
  expect((await place.run(['check', '--config', 'lab.yaml'])).stderr).not.toContain('deprecated')
})

test.each([
  ['Windows line ends', (text: string) => text.replaceAll('\n', '\r\n')],
  ['a byte order mark', (text: string) => `\uFEFF${text}`],
])('keeps %s', async (_, form) => {
  place.write('lab.yaml', form(old))
  expect((await migrate(['lab.yaml', '--write'])).status).toBe(0)
  expect(content()).toBe(form(current))
})

test('prints JSON, and names the variables whose value it cannot change', async () => {
  place.write('lab.yaml', current)
  const env = { SEALPOST_CERTIFICATE: '{ defect: p384 }', SEALPOST_PORT_OFFSET: '3000' }
  const line = expect.stringMatching(/^SEALPOST_CERTIFICATE: defect: .*; write variant: p384$/)
  const { stdout } = await migrate(['lab.yaml', '--json'], env)
  expect(JSON.parse(stdout)).toEqual({ file: 'lab.yaml', changes: [], diff: '', written: false, variables: [line] })
  expect((await migrate(['lab.yaml'], env)).stderr).toContain('SEALPOST_CERTIFICATE: defect: ')
})

test('names the folder of certificates that earlier versions used without a key', async () => {
  mkdirSync(join(place.folder, 'certs'))
  mkdirSync(join(place.folder, 'config'))
  place.write('config/lab.yaml', 'domain: a.test\n# the end\n')
  place.write('config/keys.yaml', 'certificates: { key: ecdsa-p256 } # small\n')
  place.write('config/own.yaml', 'certificates: ../own\n')
  for (const name of ['lab', 'keys', 'own']) await migrate([`config/${name}.yaml`, '--write'])
  expect(content('config/lab.yaml')).toBe('domain: a.test\ncertificates: ../certs\n# the end\n')
  expect(content('config/keys.yaml')).toBe('certificates: { key: ecdsa-p256, store: ../certs } # small\n')
  expect(content('config/own.yaml')).toBe('certificates: ../own\n')
})

test.each([
  ['a newer version', 'version: 2\n', /^lab\.yaml:1:10: version: is 2, but Sealpost .* supports only version 1/],
  ['a text that is not YAML', 'a: [1\n', /^lab\.yaml:1:4: YAML: /],
])('refuses %s and writes nothing', async (_, text, why) => {
  place.write('lab.yaml', text)
  const { status, stdout, stderr } = await migrate(['lab.yaml', '--write'])
  expect([status, stdout, stderr]).toEqual([2, '', expect.stringMatching(why)])
  expect([content(), readdirSync(place.folder)]).toEqual([text, ['lab.yaml']])
})

test('names a file that it cannot read', async () => {
  const { status, stderr } = await migrate(['missing.yaml'])
  expect([status, stderr]).toEqual([2, expect.stringContaining('missing.yaml')])
})

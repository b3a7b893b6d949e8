import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type StartedLab, Workplace } from '../support/sealpost.ts'

const token = 'token-of-the-administrator'
const text = `certificates: memory
directory:
  accounts:
    - { user: alice, password: alices-secret } # an administrator
access: { tokens: [{ name: ci, token: ${token} }] }
virtualServers:
  - { protocol: pop3, port: 0, certificate: none }
  - { protocol: http, port: 0, certificate: none }
`

const place = new Workplace()
beforeEach(() => {
  place.write('lab.yaml', text)
})

const content = (): string => readFileSync(join(place.folder, 'lab.yaml'), 'utf8')
const config = (...args: string[]) => place.run(['config', ...args, '--config', 'lab.yaml'])

describe('without a running lab', () => {
  test('shows the configuration with its defaults, a part of it, and the text, without secrets', async () => {
    const { status, stdout } = await config('show')
    expect([status, stdout]).toEqual([0, expect.stringContaining('hostname: localhost\n')])
    expect(stdout).toContain('password: "***"')
    expect((await config('show', 'virtualServers.pop3.limits.connections', '--json')).stdout).toBe('500\n')
    expect((await config('show', '--text')).stdout).toBe(text.replace('alices-secret', "'***'").replace(token, "'***'"))
    expect((await config('show', 'motd')).stderr).toBe('sealpost: motd is not set, and has no default\n')
  })

  test('changes the file, and says that no lab runs it', async () => {
    const dry = await config('set', 'virtualServers.pop3.limits', '{ connections: 7 }', '--dry-run')
    expect(dry.stdout).toContain('+  - { protocol: pop3, port: 0, certificate: none, limits: { connections: 7 } }\n')
    expect(dry.stderr).toBe('Nothing was changed (--dry-run).\n')
    expect(content()).toBe(text)
    const done = await config('set', 'directory.accounts[-]', '{ user: bob, password: bobs-secret }')
    expect([done.status, done.stderr]).toEqual([0, 'Changed. No lab runs this configuration.\n'])
    expect(done.stdout).toContain("+    - { user: bob, password: '***' }\n")
    expect(content()).toContain('    - { user: bob, password: bobs-secret }\n')
    await config('remove', 'directory.accounts.alice', 'access')
    expect(content()).toBe(
      text
        .replace(
          '    - { user: alice, password: alices-secret } # an administrator\n',
          '    - { user: bob, password: bobs-secret }\n',
        )
        .replace(/access.*\n/, ''),
    )
  })

  test('refuses what check refuses, with file, line and column', async () => {
    const { status, stderr } = await config('set', 'virtualServers.pop3.port', '70000')
    expect([status, stderr]).toEqual([
      2,
      'lab.yaml:7:29: virtualServers[0].port: is 70000; must be off or a whole number from 0 to 65535\n',
    ])
    const misnamed = await config('remove', 'virtualServers.pop')
    expect([misnamed.status, misnamed.stderr]).toEqual([2, expect.stringContaining('has no item pop; ')])
    expect(content()).toBe(text)
  })
})

describe('with a running lab', () => {
  let running: StartedLab
  beforeAll(async () => {
    place.write('lab.yaml', text)
    running = await place.start(['--config', 'lab.yaml', '--log-level', 'warn'])
  })
  afterAll(() => running[Symbol.asyncDispose]())
  beforeEach(() => place.run(['reload', '--config', 'lab.yaml']))

  test('changes what the lab uses', async () => {
    const { status, stdout, stderr } = await config('set', '/virtualServers/pop3/requireSecureChannel', 'true')
    // A virtual server without a certificate cannot require TLS.
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^lab\.yaml:7:\d+: virtualServers\[0\]\.requireSecureChannel: /)
    const done = await config('set', 'virtualServers.pop3.limits.connections', '7')
    expect([done.status, done.stderr]).toEqual([0, 'Changed. The lab uses it.\n'])
    expect((await config('show', 'virtualServers.pop3.limits.connections')).stdout).toBe('7\n')
    expect(content()).toContain('limits: { connections: 7 }')
  })

  test('warns that an option replaces the value', async () => {
    const { stderr } = await config('set', 'logLevel', 'debug')
    expect(stderr).toContain(
      'warning: logLevel: --log-level replaces it; the change takes effect without --log-level\n',
    )
  })

  test('names files of the machine, and says what the next start applies', async () => {
    const { status, stderr } = await config('set', 'store', '{ lmdb: data }')
    expect([status, stderr]).toEqual([0, expect.stringContaining('warning: store: takes effect at the next start')])
  })

  test('compares the file with what the lab uses', async () => {
    expect((await config('diff')).stderr).toBe('No difference: the lab uses the current content of the file.\n')
    place.write('lab.yaml', text.replace('user: alice', 'user: carol'))
    expect((await config('diff')).stdout).toContain("+    - { user: carol, password: '***' } # an administrator\n")
  })

  test('lists what was changed, and undoes it', async () => {
    const before = content()
    await config('set', 'directory.accounts[-]', '{ user: dora, password: doras-secret }')
    const [first] = JSON.parse((await config('history', '--json')).stdout)
    expect(first).toMatchObject({ by: 'owner', via: 'command-line', undoneBy: null })
    const listed = await config('history', '--diff')
    expect(listed.stdout).toContain(`${first.id}  ${first.at}  owner (command line)  1 line\n`)
    expect(listed.stdout).toContain("+    - { user: dora, password: '***' }\n")
    const dry = await config('undo', first.id, '--dry-run')
    expect([dry.status, dry.stderr]).toEqual([0, 'Nothing was changed (--dry-run).\n'])
    const undone = await config('undo', first.id)
    expect([undone.status, undone.stderr, content()]).toEqual([0, 'Changed. The lab uses it.\n', before])
    const unknown = await config('undo', '99')
    expect([unknown.status, unknown.stderr]).toEqual([1, expect.stringContaining('has no change 99')])
  })

  test('works over HTTP too, where it may name no files', async () => {
    const { port } = running.endpoint('http')
    const remote = ['--url', `http://127.0.0.1:${port}`, '--token', token]
    expect((await place.run(['config', 'show', 'domain', ...remote])).stdout).toBe('lab.test\n')
    const done = await place.run(['config', 'set', 'domain', 'other.test', ...remote])
    expect([done.status, content()]).toEqual([0, expect.stringContaining('domain: other.test\n')])
    const refused = await place.run(['config', 'set', 'capture', 'lab.pcapng', ...remote])
    expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining('can be changed only on the machine')])
  })
})

test('a configuration without a file can be changed only in a running lab', async () => {
  const env = { SEALPOST_CONFIG: text }
  for (const dryRun of [[], ['--dry-run']]) {
    const refused = await place.run(['config', 'set', 'domain', 'other.test', ...dryRun], { env })
    expect(refused).toEqual({
      status: 1,
      stdout: '',
      stderr:
        'sealpost: SEALPOST_CONFIG cannot be changed; save it with: sealpost config show --text --secrets > lab.yaml; then add --config lab.yaml\n',
    })
  }
  await using running = await place.start(['--log-level', 'warn'], { env })
  const done = await place.run(['config', 'set', 'domain', 'other.test'], { env })
  expect([done.status, done.stderr]).toEqual([0, expect.stringContaining('until the lab stops')])
  expect((await place.run(['config', 'show', 'domain'], { env })).stdout).toBe('other.test\n')
  expect((await place.run(['config', 'show', '--text'], { env })).stdout).toContain('\ndomain: other.test\n')
  expect(await running.end()).toBe(0)
})

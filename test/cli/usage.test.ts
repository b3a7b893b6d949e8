import { afterEach, beforeEach, expect, test } from 'vitest'
import { Workplace } from '../support/sealpost.ts'

let place: Workplace
beforeEach(() => {
  place = new Workplace()
})
afterEach(() => place.remove())

test.each([
  [['start', '--bogus'], "sealpost: unknown option '--bogus'\n"],
  [['strat'], "sealpost: unknown command 'strat' (Did you mean start?)\n"],
  [['start', '--port-offset', 'x'], /^sealpost: option '--port-offset <number>' argument 'x' is invalid\..*\n$/],
  [['start', '--only', 'http'], /^sealpost: option '--only <protocol\.\.\.>' argument 'http' is invalid\..*\n$/],
  [['healthcheck', '--timeout', 'soon'], /^sealpost: option '--timeout <seconds>' argument 'soon' is invalid\..*\n$/],
  [
    ['verify', 'localhost', '--port', '99999'],
    /^sealpost: option '--port <number>' argument '99999' is invalid\..*\n$/,
  ],
  [['audit', '--jobs', '0', '--', 'true'], /^sealpost: option '--jobs <n>' argument '0' is invalid\..*\n$/],
  [['start', '--config', 'nowhere.yaml'], 'nowhere.yaml: cannot be read: no such file\n'],
])('wrong usage is one line on standard error and status 2: %j', async (args, line) => {
  const { status, stdout, stderr } = await place.run(args)
  expect([status, stdout]).toEqual([2, ''])
  expect(stderr).toEqual(typeof line === 'string' ? line : expect.stringMatching(line))
})

test('every command has --help', async () => {
  const { stdout } = await place.run(['--help'])
  const commands = [...stdout.matchAll(/^ {2}([a-z][\w-]*)/gm)].map(([, name]) => name as string)
  expect(commands).toEqual(expect.arrayContaining(['start', 'check', 'reload', 'healthcheck', 'client-settings']))
  const helps = await Promise.all(commands.map((name) => place.run([name, '--help'])))
  expect(helps.map(({ status }) => status)).toEqual(commands.map(() => 0))
})

test('a wrong file is told in every mistake, and nothing starts', async () => {
  place.write('lab.yaml', 'portOffset: x\nvirtualServers: [{ protocol: nntp, requireSecureChannel: true }]\n')
  const { status, stdout, stderr } = await place.run(['start', '--config', 'lab.yaml'])
  expect([status, stdout]).toEqual([2, ''])
  expect(stderr.trimEnd().split('\n')).toEqual([
    'lab.yaml:1:13: portOffset: is "x"; must be a whole number from 0 to 60000',
    expect.stringMatching(/^lab\.yaml:2:58: virtualServers\[0\]\.requireSecureChannel: .*port: off$/),
  ])
})

test('reload without a running lab fails with one line', async () => {
  place.write('lab.yaml', '')
  const { status, stderr } = await place.run(['reload', '--config', 'lab.yaml'])
  expect([status, stderr]).toEqual([1, 'sealpost: no lab of lab.yaml is running here under this user\n'])
})

test('a certificate that the store does not have is a mistake of the file', async () => {
  place.write('lab.yaml', 'virtualServers:\n  - { protocol: smtp, port: 0, certificate: Lost }\n')
  const { status, stdout, stderr } = await place.run(['start', '--config', 'lab.yaml'])
  expect([status, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(/^lab\.yaml:2:45: virtualServers\[0\]\.certificate: no certificate "Lost" is in the store; /m)
})

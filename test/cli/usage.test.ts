import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { mainFile, workplaceOfEach } from '../support/sealpost.ts'

const place = workplaceOfEach()

test.each([
  [['start', '--bogus'], 'sealpost: unknown option --bogus for start; see sealpost start --help\n'],
  [['start', 'lab.yaml'], /^sealpost: start takes no argument; .*; name the configuration with --config lab\.yaml\n$/],
  [['start', '--config', 'lab.yaml', 'extra'], 'sealpost: start takes no argument; see sealpost start --help\n'],
  [
    ['mail', 'list', '--url', 'localhost'],
    'sealpost: --url: localhost is not an http or https URL; write it as http://localhost:8025\n',
  ],
  [['access-token'], 'sealpost: access-token needs --account <user>; see sealpost access-token --help\n'],
  [['config', 'set'], 'sealpost: config set needs <path>; see sealpost config set --help\n'],
  [['strat'], 'sealpost: unknown command strat; did you mean start?\n'],
  [['start', '--port-offset', 'x'], 'sealpost: --port-offset: is "x"; must be a whole number\n'],
  [
    ['start', '--protocol', 'ftp'],
    'sealpost: --protocol: is "ftp"; must be smtp, pop3, imap4, nntp, lmtp, managesieve or http\n',
  ],
  [
    ['healthcheck', '--timeout', 'soon'],
    'sealpost: --timeout: is "soon"; write a time such as 500ms, 30s, 10m, 1h or 2d\n',
  ],
  [['verify', 'localhost', '--port', '99999'], 'sealpost: --port: is "99999"; must be a number from 1 to 65535\n'],
  [['verify', 'a..b'], /^sealpost: <host>: is "a\.\.b"; write a name like .*\n$/],
  [['verify', 'localhost', '--server-name', '.a'], /^sealpost: --server-name: is "\.a"; write a name like .*\n$/],
  [['verify', 'localhost', '--mail-domain', 'a..b'], /^sealpost: --mail-domain: is "a\.\.b"; .*\n$/],
  [
    ['--url', 'http://localhost:8025', 'mail', 'list'],
    'sealpost: --url belongs after the command, such as: sealpost mail list --url <url>\n',
  ],
  [
    ['-c', 'valid.yaml', 'start'],
    'sealpost: -c belongs after the command, such as: sealpost mail list --config <file>\n',
  ],
  [['clock', 'advance'], 'sealpost: clock advance needs <duration>; see sealpost clock advance --help\n'],
  [['help', 'strat'], 'sealpost: unknown command strat; did you mean start?\n'],
  [['help', 'cert', 'lst'], 'sealpost: unknown command cert lst; did you mean list?\n'],
  [['cert', 'help', 'xyzzy'], /^sealpost: unknown command cert xyzzy; known: request, .*\n$/],
  [
    ['start', '--log-level', 'loud', '--config', 'valid.yaml'],
    /^sealpost: --log-level: is "loud"; must be trace, .*\n$/,
  ],
  [['audit', '--jobs', '0', '--', 'true'], 'sealpost: --jobs: is "0"; must be 1 or more\n'],
  [['audit', '--server', 'nope', '--', 'true', '{host}'], /^sealpost: no bad server "nope"; .*\n$/],
  [['cert', 'request', '--for', 'smtp', '--c', 'UK'], /^sealpost: "UK" is not a country code .*did you mean GB\?\n$/],
  [['cert', 'request', '--for', 'smtp', '--c', 'JPN'], /^sealpost: "JPN" is not a country code .*ISO 3166.*\n$/],
  [['start', '--config', 'nowhere.yaml'], 'nowhere.yaml cannot be read: no such file or folder; check the path\n'],
])('%j is wrong usage: one line on standard error and status 2', async (args, line) => {
  // Its port is free, even if a lab runs on the default ports.
  place.write('valid.yaml', 'virtualServers: [{ protocol: smtp, port: 0 }]\n')
  const { status, stdout, stderr } = await place.runHere(args)
  expect([status, stdout]).toEqual([2, ''])
  expect(stderr).toEqual(typeof line === 'string' ? line : expect.stringMatching(line))
})

test.each([
  [['audit', '--only', 'x', '--', 'true', '--only'], '--only is now --server'],
  [['cert', 'remove', '--for', 'smtp', '--config', 'nowhere.yaml'], 'cert remove is now cert unassign'],
  [['token', '--user', 'x', '--config', 'nowhere.yaml'], 'token is now access-token'],
  [['mail', 'release', '--search=x', 'y', '--config', 'nowhere.yaml'], '--search is now --query'],
  [['config', 'migrate', 'nowhere.yaml', '--write'], 'config migrate needs no --write any more'],
])('%j has an old name, which works with a warning', async (args, warning) => {
  const { stderr } = await place.runHere(args)
  expect(stderr).toContain(`warning: ${warning}; the`)
  expect(stderr).not.toContain('unknown')
})

test('every command has --help', async () => {
  const { stdout } = await place.runHere(['--help'])
  const commands = [...stdout.matchAll(/^ {2}([a-z][\w-]*)/gm)].map(([, name]) => name as string)
  expect(commands).toEqual(expect.arrayContaining(['start', 'check', 'reload', 'healthcheck', 'client-settings']))
  const helps = await Promise.all(commands.map((name) => place.runHere([name, '--help'])))
  expect(helps.map(({ status }) => status)).toEqual(commands.map(() => 0))
})

test('start reports all mistakes of an invalid file', async () => {
  place.write(
    'lab.yaml',
    'portOffset: x\nvirtualServers: [{ protocol: nntp, requireSecureChannel: true, port: 0, tlsPort: 0 }]\n',
  )
  const { status, stdout, stderr } = await place.runHere(['start', '--config', 'lab.yaml'])
  expect([status, stdout]).toEqual([2, ''])
  expect(stderr.trimEnd().split('\n')).toEqual([
    'lab.yaml:1:13: portOffset: is "x"; must be a whole number from 0 to 60000',
    expect.stringMatching(/^lab\.yaml:2:58: virtualServers\[0\]\.requireSecureChannel: .*port: off$/),
  ])
})

test('reload fails without a running lab', async () => {
  place.write('lab.yaml', '')
  const { status, stderr } = await place.runHere(['reload', '--config', 'lab.yaml'])
  expect([status, stderr]).toEqual([
    1,
    'sealpost: no lab of lab.yaml is running under your user; start it with: sealpost start --config lab.yaml\n',
  ])
})

test('start reports a certificate that is not in the store', async () => {
  place.write('lab.yaml', 'virtualServers:\n  - { protocol: smtp, port: 0, certificate: Lost }\n')
  const { status, stdout, stderr } = await place.runHere(['start', '--config', 'lab.yaml'])
  expect([status, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(/^lab\.yaml:2:45: virtualServers\[0\]\.certificate: no certificate "Lost" is in the store; /m)
})

test('help COMMAND shows the same as COMMAND --help', async () => {
  for (const command of [['start'], ['cert'], ['cert', 'list']]) {
    const help = await place.runHere(['help', ...command])
    expect(help).toEqual(await place.runHere([...command, '--help']))
    expect(help).toMatchObject({ status: 0, stdout: expect.stringMatching(`^Usage: sealpost ${command.join(' ')} `) })
  }
})

test('an old Node.js is refused with one line', async () => {
  const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    engines: { node: string }
  }
  expect(engines.node).toBe('^20.19 || >=22.3')
  for (const version of ['18.20.8', '20.18.3', '12.22.12', '22.2.0']) {
    const pretend = `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'${version}'})`
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', pretend, mainFile, '--version'], {
      encoding: 'utf8',
    })
    expect([status, stdout, stderr]).toEqual([
      1,
      '',
      `sealpost: Node.js 20 (20.19 or later), or 22.3 or later is required; this is ${version}\n`,
    ])
  }
  // A static import or a top-level await would be a syntax error in old versions, or load what they cannot parse.
  expect(readFileSync(mainFile, 'utf8')).not.toMatch(/^import\b(?!\()|^\s*await /m)
})

test('npm start without dist/ says what to do', () => {
  const scripts = join(place.folder, 'scripts')
  mkdirSync(scripts)
  copyFileSync(new URL('../../scripts/start.mjs', import.meta.url), join(scripts, 'start.mjs'))
  const { status, stderr } = spawnSync(process.execPath, [join(scripts, 'start.mjs')], { encoding: 'utf8' })
  expect([status, stderr]).toEqual([1, 'sealpost: dist/ is missing; run: npm run build\n'])
})

test('a port that Node.js refuses for HTTP is named', async () => {
  const { status, stderr } = await place.runHere(['mail', 'list', '--url', 'http://localhost:1'])
  expect([status, stderr]).toEqual([
    1,
    'sealpost: http://localhost:1 cannot be reached: browsers and Node.js refuse port 1 for HTTP; check the port\n',
  ])
})

test('a closed pipe ends a command quietly', () => {
  const command = `"${process.execPath}" "${mainFile}" audit --list | head -1`
  const { stdout, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8' })
  expect([stdout.split(/\s+/)[0], stderr]).toEqual(['NAME', ''])
})

test('the process prints the line and exits with the status', async () => {
  const outcome = {
    status: 2,
    stdout: '',
    stderr: 'sealpost: unknown option --bogus for start; see sealpost start --help\n',
  }
  expect(await place.runProcess(['start', '--bogus'])).toEqual(outcome)
})

test.each([[], 'x', [1, null, { pointer: 2 }], [{ pointer: '/level' }]])(
  'a problem of another server with the errors %j is told by its detail',
  async (errors) => {
    const problem = JSON.stringify({ type: 'about:blank', status: 422, detail: 'no such thing', errors })
    const server = createServer((_, answer) => {
      answer.writeHead(422, { 'content-type': 'application/problem+json' }).end(problem)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const { status, stderr } = await place.run(['log', '--url', `http://127.0.0.1:${port}`])
    server.close()
    expect([status, stderr]).toEqual([2, 'sealpost: no such thing\n'])
  },
)

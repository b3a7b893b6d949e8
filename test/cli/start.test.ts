import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, statSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { needs } from '../support/programs.ts'
import { mainFile, type ReadyEndpoint, type StartedLab, Workplace, workplaceOfEach } from '../support/sealpost.ts'
import { isThorough } from '../support/thorough.ts'

const place = workplaceOfEach()

const lab = (more = ''): string => `certificates: { store: certs, key: p256 }
directory: { accounts: [{ user: alice, password: secret }] }
virtualServers:
  - { protocol: smtp, port: 0 }
  - { protocol: pop3, port: 0, tlsPort: 0 }
  - { protocol: imap4, port: 0, tlsPort: 0 }
  - { protocol: nntp, port: 0, tlsPort: 0 }
${more}`

/** Connects a client that reads line by line. */
async function client(
  port: number,
): Promise<{ socket: Socket; line: () => Promise<string>; closed: Promise<unknown> }> {
  const socket = connect(port, '127.0.0.1')
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
  const closed = once(socket, 'close')
  return { socket, line: async () => (await lines.next()).value as string, closed }
}

describe('a running lab', { shuffle: false }, () => {
  let place: Workplace
  let running: StartedLab
  beforeAll(async () => {
    place = new Workplace()
    place.write('lab.yaml', lab())
    running = await place.start(['--config', 'lab.yaml'])
  })
  afterAll(() => running.end())

  test('healthcheck finds a greeting on every port', async () => {
    expect(running.endpoints.map(({ protocol }) => protocol)).toEqual(['smtp', 'pop3', 'imap4', 'nntp'])
    const health = await place.run(['healthcheck', '--config', 'lab.yaml', '--json'])
    expect(health.stderr).toBe('')
    const { ok, ports } = JSON.parse(health.stdout) as { ok: boolean; ports: { tls: boolean; greeting: string }[] }
    expect([ok, ports.length, ports.filter(({ tls }) => tls).length]).toEqual([true, 7, 3])
    expect(ports.map(({ greeting }) => greeting.split(' ')[0])).toEqual(['220', '+OK', '+OK', '*', '*', '200', '200'])
    // A check every few seconds must not displace the sessions of clients.
    expect((await place.run(['sessions', '--config', 'lab.yaml', '--json'])).stdout).toBe('')
    expect(running.stderr.join('')).not.toContain('session ended')
  })

  test('control characters of a client do not reach the terminal', async () => {
    const smtp = await client(running.endpoints[0]?.port as number)
    await smtp.line()
    smtp.socket.write('EHLO \x1b[2J\x9b31m\r\nQUIT\r\n')
    await smtp.closed
    const [last] = (await place.run(['sessions', '--config', 'lab.yaml', '--json'])).stdout.trim().split('\n').slice(-1)
    const { id } = JSON.parse(last ?? '') as { id: string }
    const { stdout } = await place.run(['sessions', '--config', 'lab.yaml', id])
    expect(stdout).toContain('C: EHLO ?[2J')
    expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/)
  })

  test('only its owner can use the control socket', async () => {
    const folder = join(place.folder, `sealpost-${process.getuid?.()}`)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    const [socket] = readdirSync(folder)
    expect(socket).toMatch(new RegExp(`\\.${running.process.pid}\\.sock$`))
    expect(statSync(join(folder, socket as string)).mode & 0o777).toBe(0o600)
  })

  test('the control socket refuses a request that is too long', async () => {
    const folder = join(place.folder, `sealpost-${process.getuid?.()}`)
    const socket = connect(join(folder, readdirSync(folder)[0] as string))
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
    socket.on('error', () => {}) // the lab closes the socket while the rest is being written
    socket.write(Buffer.alloc(2 * 1024 * 1024, 'x'))
    expect((await lines.next()).value).toBe('{"error":"the request is too long"}')
    if (!socket.closed) await once(socket, 'close')
    const again = await place.run(['healthcheck', '--config', 'lab.yaml'])
    expect(again.status).toBe(0)
  })

  test('SIGHUP reloads the file', async () => {
    running.process.kill('SIGHUP')
    await running.logged('"reloaded"')
  })

  test('reload of an invalid file changes nothing and reports the mistakes', async () => {
    place.write('lab.yaml', lab('  - { protocol: smpt, prot: 0 }'))
    const { status, stderr } = await place.run(['reload', '--config', 'lab.yaml'])
    expect(status).toBe(1)
    expect(stderr).toContain('lab.yaml:8:17: virtualServers[4].protocol: is "smpt"')
    expect(stderr).toContain('lab.yaml:8:23: virtualServers[4].prot: unknown key; did you mean port?')
    const again = await client(running.endpoint('smtp').port as number)
    expect(await again.line()).toMatch(/^220 /)
    again.socket.destroy()
  })

  test('reload applies a changed file to new connections and keeps open ones', async () => {
    const old = await client(running.endpoint('pop3').port as number)
    await old.line()
    place.write('lab.yaml', lab('  - { name: Added, protocol: smtp, port: 0, proxyProtocol: { from: [127.0.0.1] } }'))
    const reloaded = await place.run(['reload', '--config', join(place.folder, 'lab.yaml')])
    expect(reloaded).toMatchObject({ status: 0, stdout: `reloaded (process ${running.process.pid})\n` })
    const health = await place.run(['healthcheck', '--config', 'lab.yaml', '--json'])
    expect(JSON.parse(health.stdout)).toMatchObject({ ok: true, ports: { length: 8 } })
    old.socket.write('QUIT\r\n')
    expect(await old.line()).toMatch(/^\+OK/)
  })

  test('healthcheck ignores changes of the file until the lab has stopped', async () => {
    place.write('lab.yaml', 'virtualServers: [{ protocol: smtp, prot: 1 }]')
    expect(await place.run(['healthcheck', '--config', 'lab.yaml'])).toEqual({
      status: 0,
      stdout: 'all 8 ports are healthy\n',
      stderr: '',
    })
    expect(await running.end()).toBe(0)
    // Without a running lab, healthcheck reads the file.
    expect((await place.run(['healthcheck', '--config', 'lab.yaml'])).status).toBe(2)
    place.write('lab.yaml', lab().replaceAll('ort: 0', 'ort: 1'))
    expect((await place.run(['healthcheck', '--config', 'lab.yaml'])).status).not.toBe(0)
  })
})

test('prints the virtual servers in 80 columns, the console, the next commands and the line ready', async () => {
  place.write('lab.yaml', lab('  - { protocol: http, port: 0, tlsPort: 0 }'))
  const lines = await place.untilReady(['start', '--config', 'lab.yaml'], { env: { npm_execpath: 'npm' } })
  const httpPort = lines.find((line) => line.includes('HTTP'))?.split(/ +/)[5]
  expect(lines).toEqual([
    'VIRTUAL SERVER                ADDRESS    PORT   TLS PORT',
    expect.stringMatching(/^Default SMTP Virtual Server {3}127\.0\.0\.1 {2}\d+ +off$/),
    ...['POP3 ', 'IMAP4', 'NNTP ', 'HTTP '].map((name) =>
      expect.stringMatching(new RegExp(`^Default ${name} ?Virtual Server +127\\.0\\.0\\.1  \\d+ +\\d+$`)),
    ),
    '',
    'Next:',
    `  http://localhost:${httpPort}  the console`,
    '  npx sealpost mail list --config lab.yaml',
    '  npx sealpost ca export --out lab-ca.pem --config lab.yaml',
    '  npx sealpost client-settings --config lab.yaml',
    '',
    'ready',
  ])
})

test.runIf(isThorough)('prints certificates and policies that differ from the default', async () => {
  const servers = [
    '{ protocol: smtp, port: 0, requireSecureChannel: true, require128BitEncryption: true }',
    '{ protocol: pop3, port: 0, tlsPort: 0, tls: { legacy: true } }',
    '{ protocol: imap4, port: 0, certificate: none }',
    '{ protocol: nntp, name: News, port: 0, tlsPort: 0, certificate: { defect: expired } }',
    '{ protocol: smtp, name: New SMTP, port: 0, tls: { policy: modern } }',
  ]
  place.write('lab.yaml', `certificates: memory\nvirtualServers:\n${servers.map((line) => `  - ${line}\n`).join('')}`)
  const lines = await place.untilReady(['start', '--config', 'lab.yaml'], { env: { npm_execpath: '' } })
  expect(lines.slice(0, 6).map((line) => line.split(/ {2,}/).at(-1))).toEqual([
    'NOTES',
    'TLS required, 128-bit',
    'old clients',
    'no certificate',
    expect.stringMatching(/expired/),
    'TLS modern',
  ])
  expect(lines[4]).toMatch(/^News \(NNTP\) /)
  expect(lines.slice(8, 11)).toEqual([
    '  sealpost mail list --config lab.yaml        the mail that has arrived',
    '  sealpost sessions --config lab.yaml         who connected, and how',
    '  sealpost client-settings --config lab.yaml  settings for mail programs',
  ])
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
})

test('standard output and the log are plain text without --json, and both JSON lines with it', async () => {
  place.write('lab.yaml', lab())
  const { stdout, stderr } = await place.untilReadyWithLog(['start', '--config', 'lab.yaml'])
  expect(stdout).toMatch(/^VIRTUAL SERVER [^{}]*\nready\n$/)
  expect(stderr).toMatch(/^\d{4}-\d\d-\d\dT\S+Z info {2}SIGTERM: stopping\n\S+ info {2}stopped\n$/m)
  expect(stdout + stderr).not.toMatch(/^\{|\x1b/m)
  await using json = await place.start(['--config', 'lab.yaml'])
  await json.end()
  for (const line of json.stderr.join('').trim().split('\n')) expect(JSON.parse(line)).toMatchObject({ level: 30 })
})

test.runIf(isThorough)('--protocol starts only the given protocols', async () => {
  place.write('lab.yaml', lab())
  await using running = await place.start(['--config', 'lab.yaml', '--protocol', 'pop3', 'nntp'])
  expect(running.endpoints.map(({ protocol }) => protocol)).toEqual(['pop3', 'nntp'])
})

test('SIGTERM ends every session with a farewell; the status is 0', async () => {
  place.write('lab.yaml', lab())
  await using running = await place.start(['--config', 'lab.yaml'])
  const clients = await Promise.all(
    ['smtp', 'pop3', 'imap4', 'nntp'].map((protocol) => client(running.endpoint(protocol).port as number)),
  )
  await Promise.all(clients.map(({ line }) => line()))
  const status = running.end('SIGTERM')
  const last = await Promise.all(clients.map(({ line }) => line()))
  expect(last.map((text) => text.split(' ').slice(0, 2).join(' '))).toEqual([
    expect.stringMatching(/^421 /),
    expect.stringMatching(/^-ERR /),
    '* BYE',
    expect.stringMatching(/^400 /),
  ])
  await Promise.all(clients.map(({ closed }) => closed))
  expect(await status).toBe(0)
})

test('a port in use fails with one line that names its place in the file and the port', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as { port: number }
  place.write('lab.yaml', lab(`  - { name: Second, protocol: smtp, port: ${port} }`))
  const { status, stdout, stderr } = await place.run(['start', '--config', 'lab.yaml', '--log-level', 'silent'])
  other.close()
  expect([status, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(
    new RegExp(
      `^lab\\.yaml:\\d+:\\d+: virtualServers\\[\\d\\]\\.port: cannot listen on 127\\.0\\.0\\.1 port ${port}: .*in use.*\\n$`,
    ),
  )
})

test.runIf(isThorough)('a second signal ends the process immediately', async () => {
  place.write('lab.yaml', lab())
  await using running = await place.start(['--config', 'lab.yaml'])
  // A client that does not close its side delays the end of the lab.
  const slow = await client(running.endpoint('smtp').port as number)
  await slow.line()
  slow.socket.pause()
  running.process.kill('SIGINT')
  await running.logged('SIGINT: stopping')
  // A repetition of the first signal within 250 ms does not count. A later signal does.
  const insist = setInterval(() => running.process.kill('SIGINT'), 100)
  expect(await running.end('SIGINT')).toBe(130)
  clearInterval(insist)
  slow.socket.destroy()
})

test.runIf(isThorough)(
  'start removes the control sockets of killed labs, of any configuration, and leaves other files',
  async () => {
    place.write('lab.yaml', lab())
    place.write('other.yaml', lab())
    const folder = join(place.folder, `sealpost-${process.getuid?.()}`)
    await using other = await place.start(['--config', 'other.yaml'])
    const killed = [await place.start(['--config', 'lab.yaml']), await place.start(['--config', 'other.yaml'])]
    for (const one of killed) await one.end('SIGKILL')
    place.write(`sealpost-${process.getuid?.()}/notes.txt`, '')
    expect(readdirSync(folder)).toHaveLength(4)
    await using running = await place.start(['--config', 'lab.yaml'])
    const left = readdirSync(folder).map((name) => name.replace(/^[0-9a-f]{12}\./, ''))
    expect(left.sort()).toEqual([`${other.process.pid}.sock`, `${running.process.pid}.sock`, 'notes.txt'].sort())
    expect(await place.run(['healthcheck', '--config', 'other.yaml'])).toMatchObject({ status: 0 })
  },
)

test.runIf(isThorough)('a limit of open files that is too low: one line that says what to do', async () => {
  place.write('lab.yaml', lab())
  const { status, stdout, stderr } = await place.run(['start', '--config', 'lab.yaml'], { openFiles: 64 })
  expect([status, stdout]).toEqual([1, ''])
  expect(stderr).toBe(
    'sealpost: the limit of open files is 64, but Sealpost needs at least 256; raise it, for example with: ulimit -n 1024\n',
  )
})

test('SEALPOST_CONFIG contains a configuration as base64, and variables override it', async () => {
  const env = {
    SEALPOST_CONFIG: Buffer.from(lab()).toString('base64'),
    SEALPOST_HOSTNAME: 'mail.lab.test',
    SEALPOST_CERTIFICATES: 'memory',
  }
  await using running = await place.start([], { env })
  const smtp = await client(running.endpoint('smtp').port as number)
  expect(await smtp.line()).toMatch(/^220 mail\.lab\.test /)
  smtp.socket.destroy()
  const health = await place.run(['healthcheck'], { env })
  expect(health).toMatchObject({ status: 0, stdout: 'all 7 ports are healthy\n' })
})

test.skipIf(process.platform !== 'linux')('a folder that cannot be created fails with one line', async () => {
  const nowhere = { HOME: '/proc/nope', XDG_DATA_HOME: '' }
  // For others than root, the line of the check is before it, with the place of the key that names the folder.
  const line = /^(?:\S+.*:\d+:\d+: .*permission denied.*\n)?sealpost: .*folder \/proc\/nope cannot be created.*\n$/
  const certificates = await place.runHere(['start', '--port-offset', '30000'], { env: nowhere })
  expect([certificates.status, certificates.stderr]).toEqual([1, expect.stringMatching(line)])
  place.write('lab.yaml', `store: { lmdb: /proc/nope/data }\n${lab()}`)
  const store = await place.runHere(['start', '--config', 'lab.yaml', '--log-level', 'silent'])
  expect([store.status, store.stderr]).toEqual([1, expect.stringMatching(line)])
})

test.skipIf(!needs('expect'))('uses colour on a terminal, but not with NO_COLOR', async () => {
  place.write('lab.yaml', `directory: { mode: listed }\n${lab().replace(/^directory.*\n/m, '')}`)
  /** Runs the lab in a terminal, presses Ctrl-C when it is ready and returns everything that it shows. */
  const shown = (env: Record<string, string>): string => {
    const start = `spawn {${process.execPath}} {${mainFile}} start --config lab.yaml`
    const script = `${start}\nset timeout 30\nexpect -re {\\nready\\r} { send "\\003" }\nexpect eof\nexit [lindex [wait] 3]`
    // Node decides on colour by a dozen variables (NO_COLOR, CI, TEAMCITY_VERSION, …), so nothing else is inherited.
    const { PATH, HOME } = process.env
    const own = { PATH, HOME, LC_ALL: 'C.UTF-8', TMPDIR: place.folder, TERM: 'xterm' }
    const options = { cwd: place.folder, env: { ...own, ...env } }
    const { status, stdout } = spawnSync('expect', ['-c', script], { ...options, encoding: 'utf8' })
    expect(status, stdout).toBe(0)
    return stdout
  }
  const coloured = shown({})
  expect(coloured).toContain('\x1b[33mwarning: lab.yaml:')
  expect(coloured).toContain('\x1b[1mVIRTUAL SERVER')
  expect(coloured).toContain('\r\nready\r\n')
  expect(coloured).toMatch(/\d\d:\d\d:\d\d info {2}SIGINT: stopping\r\n/)
  expect(shown({ NO_COLOR: '1' })).not.toContain('\x1b[')
})

test.runIf(isThorough)('SIGTERM to npm start stops the lab', async () => {
  place.write('lab.yaml', lab())
  const args = ['start', '--', '--json', '--config', join(place.folder, 'lab.yaml')]
  const env = { ...process.env, TMPDIR: place.folder, XDG_RUNTIME_DIR: '' }
  const npm = spawn('npm', args, { cwd: fileURLToPath(new URL('../../', import.meta.url)), env })
  const closed = once(npm, 'close')
  for await (const line of createInterface({ input: npm.stdout })) {
    if (!line.startsWith('{')) continue
    const { pid, endpoints } = JSON.parse(line) as { pid: number; endpoints: ReadyEndpoint[] }
    const smtp = await client(endpoints[0]?.port as number)
    expect(await smtp.line()).toMatch(/^220 /)
    npm.kill('SIGTERM')
    expect(await smtp.line()).toMatch(/^421 /)
    await expect.poll(() => isRunning(pid)).toBe(false)
    break
  }
  npm.stdout.destroy()
  npm.stderr.destroy()
  await closed
})

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

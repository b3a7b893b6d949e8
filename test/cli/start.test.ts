import { once } from 'node:events'
import { readdirSync, statSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Workplace } from '../support/sealpost.ts'

let place: Workplace
beforeEach(() => {
  place = new Workplace()
})
afterEach(() => place.remove())

const lab = (more = ''): string => `certificates: { store: certs, key: p256 }
directory: { accounts: [{ user: alice, password: secret }] }
virtualServers:
  - { protocol: smtp, port: 0 }
  - { protocol: pop3, port: 0, tlsPort: 0 }
  - { protocol: imap4, port: 0, tlsPort: 0 }
  - { protocol: nntp, port: 0, tlsPort: 0 }
${more}`

/** A client that reads line by line. */
async function client(
  port: number,
): Promise<{ socket: Socket; line: () => Promise<string>; closed: Promise<unknown> }> {
  const socket = connect(port, '127.0.0.1')
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
  const closed = once(socket, 'close')
  return { socket, line: async () => (await lines.next()).value as string, closed }
}

test('every virtual server greets once the lab is ready, and healthcheck finds them all', async () => {
  place.write('lab.yaml', lab())
  await using running = await place.start(['--config', 'lab.yaml'])
  expect(running.endpoints.map(({ protocol }) => protocol)).toEqual(['smtp', 'pop3', 'imap4', 'nntp'])
  const health = await place.run(['healthcheck', '--config', 'lab.yaml', '--json'])
  expect(health.stderr).toBe('')
  const { ok, ports } = JSON.parse(health.stdout) as { ok: boolean; ports: { tls: boolean; greeting: string }[] }
  expect([ok, ports.length, ports.filter(({ tls }) => tls).length]).toEqual([true, 7, 3])
  expect(ports.map(({ greeting }) => greeting.split(' ')[0])).toEqual(['220', '+OK', '+OK', '*', '*', '200', '200'])
  // A check every few seconds must not crowd out what clients did.
  expect((await place.run(['sessions', '--config', 'lab.yaml'])).stdout.trim()).toBe('')
  expect(await running.end()).toBe(0)
  expect(running.stderr.join('')).not.toContain('session ended')
  const after = await place.run(['healthcheck', '--config', 'lab.yaml'])
  expect(after.status).toBe(1)
})

test('healthcheck asks the running lab: what its file has become meanwhile is no matter', async () => {
  place.write('lab.yaml', lab())
  await using running = await place.start(['--config', 'lab.yaml'])
  place.write('lab.yaml', 'virtualServers: [{ protocol: smtp, prot: 1 }]')
  expect(await place.run(['healthcheck', '--config', 'lab.yaml'])).toEqual({
    status: 0,
    stdout: 'all 7 ports greet\n',
    stderr: '',
  })
  expect(await running.end()).toBe(0)
  // Without a lab to ask, the file is read.
  expect((await place.run(['healthcheck', '--config', 'lab.yaml'])).status).toBe(2)
})

test('the table of virtual servers, then the line ready', async () => {
  place.write('lab.yaml', lab())
  const lines = await place.untilReady(['start', '--config', 'lab.yaml'])
  expect(lines.map((line) => line.split(/ {2,}/)[0])).toEqual([
    'VIRTUAL SERVER',
    ...['SMTP', 'POP3', 'IMAP4', 'NNTP'].map((title) => `Default ${title} Virtual Server`),
    'ready',
  ])
  expect(lines[2]).toMatch(/ POP3 +127\.0\.0\.1 +\d+ +\d+ +localhost \(issued by the lab\) +-$/)
})

test('what a client says steers no terminal', async () => {
  place.write('lab.yaml', lab())
  await using running = await place.start(['--config', 'lab.yaml'])
  const smtp = await client(running.endpoints[0]?.port as number)
  await smtp.line()
  smtp.socket.write('EHLO \x1b[2J\x9b31m\r\nQUIT\r\n')
  await smtp.closed
  const { stdout } = await place.run(['sessions', '--config', 'lab.yaml', 'smtp-1'])
  expect(stdout).toContain('C: EHLO ?[2J')
  expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/)
})

test('--only leaves the other protocols closed', async () => {
  place.write('lab.yaml', lab())
  await using running = await place.start(['--config', 'lab.yaml', '--only', 'pop3', 'nntp'])
  expect(running.endpoints.map(({ protocol }) => protocol)).toEqual(['pop3', 'nntp'])
})

test('SIGTERM says good-bye to every session and ends with status 0', async () => {
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

test('a port in use: one line that names the virtual server and the port, status 1, nothing half started', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as { port: number }
  place.write('lab.yaml', lab(`  - { name: Second, protocol: smtp, port: ${port} }`))
  const { status, stdout, stderr } = await place.run(['start', '--config', 'lab.yaml', '--log-level', 'silent'])
  other.close()
  expect([status, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(new RegExp(`^sealpost: Second: cannot listen on 127\\.0\\.0\\.1 port ${port}: .*in use.*\\n$`))
})

test('reload applies a changed file to new connections; open ones live on', async () => {
  const file = place.write('lab.yaml', lab())
  await using running = await place.start(['--config', 'lab.yaml'])
  const old = await client(running.endpoint('pop3').port as number)
  await old.line()
  place.write('lab.yaml', lab('  - { name: Added, protocol: smtp, port: 0 }'))
  const reloaded = await place.run(['reload', '--config', file])
  expect(reloaded).toMatchObject({ status: 0, stdout: `reloaded (process ${running.process.pid})\n` })
  const health = await place.run(['healthcheck', '--config', 'lab.yaml', '--json'])
  expect(JSON.parse(health.stdout)).toMatchObject({ ok: true, ports: { length: 8 } })
  old.socket.write('QUIT\r\n')
  expect(await old.line()).toMatch(/^\+OK/)
})

test('reload of an invalid file changes nothing and says why', async () => {
  place.write('lab.yaml', lab())
  await using running = await place.start(['--config', 'lab.yaml'])
  place.write('lab.yaml', lab('  - { protocol: smpt, prot: 0 }'))
  const { status, stderr } = await place.run(['reload', '--config', 'lab.yaml'])
  expect(status).toBe(1)
  expect(stderr).toContain('lab.yaml:8:17: virtualServers[4].protocol: is "smpt"')
  expect(stderr).toContain('lab.yaml:8:23: virtualServers[4].prot: unknown key; did you mean port?')
  const again = await client(running.endpoint('smtp').port as number)
  expect(await again.line()).toMatch(/^220 /)
  again.socket.destroy()
})

test('SIGHUP reloads too', async () => {
  place.write('lab.yaml', lab())
  await using running = await place.start(['--config', 'lab.yaml'])
  running.process.kill('SIGHUP')
  await running.logged('"reloaded"')
})

test('a second signal ends at once', async () => {
  place.write('lab.yaml', lab())
  await using running = await place.start(['--config', 'lab.yaml'])
  // A client that never closes its side keeps a polite end waiting for a moment.
  const slow = await client(running.endpoint('smtp').port as number)
  await slow.line()
  slow.socket.pause()
  running.process.kill('SIGINT')
  await running.logged('SIGINT: stopping')
  // An echo of the first signal does not count; an insistent user does.
  const insist = setInterval(() => running.process.kill('SIGINT'), 100)
  expect(await running.end('SIGINT')).toBe(130)
  clearInterval(insist)
  slow.socket.destroy()
})

test('the control socket is its owner’s alone', async () => {
  place.write('lab.yaml', lab())
  await using running = await place.start(['--config', 'lab.yaml'])
  const folder = join(place.folder, `sealpost-${process.getuid?.()}`)
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  const [socket] = readdirSync(folder)
  expect(socket).toMatch(new RegExp(`\\.${running.process.pid}\\.sock$`))
  expect(statSync(join(folder, socket as string)).mode & 0o777).toBe(0o600)
})

test('a whole configuration comes by SEALPOST_CONFIG, and variables override it', async () => {
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
  expect(health).toMatchObject({ status: 0, stdout: 'all 7 ports greet\n' })
})

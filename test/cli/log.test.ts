import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { createTransport } from 'nodemailer'
import { afterAll, describe, expect, it } from 'vitest'
import { mainFile, Workplace } from '../support/sealpost.ts'

const [TOKEN, TENANT] = ['token-token-token', 'tenant-tenant-tenant']
const place = new Workplace()

place.write(
  'lab.yaml',
  `certificates: { store: certs, key: p256 }
testing:
  packets: traffic.pcapng
store: { memory: auto, messages: 1 }
directory: { unknown: capture }
access:
  tokens: [{ name: ci, role: reader, token: ${TOKEN} }, { name: t1, role: tenant, token: ${TENANT} }]
virtualServers:
  - { protocol: pop3, port: 0 }
  - { protocol: smtp, port: 0, tlsPort: off }
  - { protocol: http, port: 0, tlsPort: off, authentication: [basic] }
`,
)
const lab = await place.start(['--config', 'lab.yaml'])
const remote = ['--url', `http://127.0.0.1:${lab.endpoint('http').port}`, '--token', TOKEN]
afterAll(() => lab.end())

const local = ['--config', 'lab.yaml']
const WARNING = 'the capture holds TLS secrets'

/** Opens a session and closes it. */
async function session(): Promise<void> {
  const socket = connect(lab.endpoint('pop3').port ?? 0, '127.0.0.1')
  socket.once('data', () => socket.end('QUIT\r\n'))
  await once(socket.resume(), 'close')
}

// The tests tell one story.
describe('the log of a lab', { shuffle: false }, () => {
  it('shows the lines since the start over the control socket and over HTTP, the newest last', async () => {
    const { stdout, status } = await place.run(['log', ...local, '--query', 'root AUTHORITY'])
    expect(status).toBe(0)
    expect(stdout).toMatch(/^\d{4}-\d\d-\d\dT\S+Z info {2}created a root authority in .*\n$/)
    const all = (await place.run(['log', ...local])).stdout
    expect(all.indexOf('created a root')).toBeLessThan(all.indexOf(WARNING))
    for (const where of [local, remote]) {
      const warnings = await place.run(['log', ...where, '--level', 'warn', '--json'])
      expect(
        warnings.stdout
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line)),
      ).toMatchObject([
        { level: 'warn', message: expect.stringContaining(WARNING), facts: { file: expect.any(String) } },
      ])
    }
  })

  it('shows the sessions over the control socket and over HTTP, and follows them', async () => {
    await session()
    const shown = async (...args: readonly string[]): Promise<string[]> => {
      const of = (where: readonly string[]) => place.run(['sessions', ...args, ...where])
      const [here, there] = [await of(local), await of(remote)]
      // Each request of the second is a session of its own.
      const withoutHttp = (text: string): string => text.replaceAll(/^.* http-.*\n/gm, '')
      expect(withoutHttp(there.stdout)).toBe(withoutHttp(here.stdout))
      return here.stdout.trimEnd().split('\n')
    }
    const pop3 = (await shown()).find((line) => line.includes(' pop3-')) ?? ''
    const id = / (pop3-\d+),/.exec(pop3)?.[1] ?? ''
    expect((await shown(id)).join('\n')).toMatch(/C: QUIT/)
    const { stderr } = await place.run(['sessions', 'pop3-99', ...remote])
    expect(stderr).toContain('there is no session pop3-99')

    const follow = spawn(process.execPath, [mainFile, 'sessions', '--follow', ...remote], {
      cwd: place.folder,
      env: place.environment(),
    })
    const lines = createInterface({ input: follow.stdout })[Symbol.asyncIterator]()
    const next = async (pattern: RegExp): Promise<void> => {
      for (;;) {
        const { value, done } = await lines.next()
        if (done) throw new Error(`sealpost sessions --follow ended before ${pattern}`)
        if (pattern.test(value)) return
      }
    }
    try {
      await next(new RegExp(` ${id},`))
      await session()
      await next(/ pop3-\d+,/)
    } finally {
      follow.kill()
      await once(follow, 'exit')
    }
  })

  it('names an option as it is typed', async () => {
    for (const where of [local, remote]) {
      const { status, stderr } = await place.run(['log', '--since', 'x', ...where])
      expect([status, stderr]).toEqual([2, 'sealpost: --since: x is not a time; write it as 2026-11-25T16:40:00Z\n'])
    }
  })

  it('says that no session was refused', async () => {
    for (const where of [local, remote]) {
      const { stdout } = await place.run(['sessions', '--failed', ...where])
      expect(stdout).toBe('No session was refused or had an error.\n')
      expect((await place.run(['sessions', '--failed', '--json', ...where])).stdout).toBe('')
    }
  })

  it('shows an error after its message and a colon', async () => {
    const transport = createTransport({ host: '127.0.0.1', port: lab.endpoint('smtp').port ?? 0, ignoreTLS: true })
    const mail = { from: 'a@b.test', to: 'you@example.com', subject: 'x' }
    await transport.sendMail(mail)
    await expect(transport.sendMail(mail)).rejects.toThrow(/452/)
    const { stdout } = await place.run(['log', ...local, '--level', 'error'])
    expect(stdout).toMatch(/ error smtp: command failed: the store is full: it holds 1 message/)
  })

  it('is refused to tenants', async () => {
    for (const how of [[], ['--follow']]) {
      const { status, stderr, stdout } = await place.run(['log', ...how, ...remote.slice(0, 3), TENANT])
      expect([status, stdout, stderr]).toEqual([
        1,
        '',
        expect.stringContaining('administrators and readers may see this'),
      ])
    }
  })

  it('refuses an unknown level', async () => {
    const { status, stderr } = await place.run(['log', ...local, '--level', 'loud'])
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/^sealpost: --level: is "loud"; must be trace, .*or fatal/),
    ])
  })

  it('follows the log until the lab stops', async () => {
    const followers = [local, remote].map((where) => {
      const args = [mainFile, 'log', '--follow', '--query', 'session ended pop3', ...where]
      const child = spawn(process.execPath, args, { cwd: place.folder, env: place.environment() })
      return {
        child,
        lines: createInterface({ input: child.stdout })[Symbol.asyncIterator](),
        exited: once(child, 'exit'),
      }
    })
    await session()
    for (const { lines } of followers) expect((await lines.next()).value).toMatch(/info {2}session ended: .*POP3/)
    await lab.end()
    for (const { exited } of followers) expect(await exited).toEqual([0, null])
  })
})

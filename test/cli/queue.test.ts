import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type StartedLab, Workplace } from '../support/sealpost.ts'
import { type Host, startHost } from '../transport/outgoing/client/hosts.ts'

const TOKEN = 'token-token-token'
let place: Workplace
let lab: StartedLab
let host: Host
let isBusy = true

beforeAll(async () => {
  host = await startHost({
    onRcptTo(_address, _session, done) {
      done(isBusy ? Object.assign(new Error('4.7.1 Greylisted'), { responseCode: 451 }) : null)
    },
  })
  place = new Workplace()
  place.write(
    'lab.yaml',
    `certificates: { store: certs, key: p256 }
directory: { accounts: [{ user: alice, password: secret }] }
access:
  tokens: [{ name: ci, token: ${TOKEN} }]
outgoing:
  connectors:
    - name: Default SMTP Connector
      smartHost: { host: 127.0.0.1, port: ${host.port}, tls: none }
      deny: ['ceo@*']
virtualServers:
  - { protocol: smtp, port: 0 }
  - { protocol: http, port: 0, tlsPort: off, authentication: [basic] }
`,
  )
  lab = await place.start(['--config', 'lab.yaml'])
  const transport = createTransport({ host: '127.0.0.1', port: lab.endpoint('smtp').port, ignoreTLS: true })
  for (const to of ['one@example.test', 'two@example.test', 'ceo@example.test'])
    await transport.sendMail({ from: 'alice@lab.test', to, subject: `Invoice for ${to}`, text: 'Hi' })
})
afterAll(async () => {
  await lab?.end()
  await host?.[Symbol.asyncDispose]()
})

async function sealpost(...args: readonly string[]) {
  const result = await place.run([...args, ...(args.includes('--url') ? [] : ['--config', 'lab.yaml'])])
  return { ...result, lines: result.stdout.trimEnd().split('\n') }
}

const json = async (...args: readonly string[]) => JSON.parse((await sealpost(...args, '--json')).stdout)

describe('sealpost mail release and sealpost queue', { shuffle: false }, () => {
  it('shows what would be sent, releases a search, and says what is refused and why', async () => {
    const planned = await sealpost('mail', 'release', '--query', 'subject:invoice', '--dry-run')
    expect(planned.status).toBe(1)
    expect(planned.lines[0]).toMatch(/^ID +WOULD USE +FROM +TO$/)
    expect(planned.lines[1]).toMatch(/ Default SMTP Connector +alice@lab\.test +one@example\.test$/)
    expect(planned.stderr).toMatch(/sends nothing to ceo@example\.test \(deny: ceo@\*\)/)
    expect((await sealpost('queue', 'list')).stderr).toContain('The queue is empty.')
    expect((await json('mail', 'release', '--query', 'subject:invoice')).released).toHaveLength(2)
    expect((await sealpost('mail', 'release')).stderr).toMatch(/give ids, or --query QUERY/)
  })

  it('lists, shows, holds, resumes, tries now, deletes and returns messages', async () => {
    const url = `http://127.0.0.1:${lab.endpoint('http').port}`
    await expect
      .poll(async () => (await json('queue', 'list', '--state', 'deferred', '--url', url, '--token', TOKEN)).length)
      .toBe(2)
    const { lines } = await sealpost('queue', 'list', '--recipient', 'one@')
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatch(/^ID +STATE +ATTEMPTS +NEXT +TO +LAST REPLY$/)
    const [id = ''] = lines[1]?.split(' ') ?? []
    expect((await sealpost('queue', 'show', id)).stdout).toMatch(
      /^Recipients: +one@example\.test: deferred \(451 .*Greylisted/m,
    )
    expect((await sealpost('queue', 'hold', id)).stdout).toBe('Held 1 message.\n')
    expect(await json('queue', 'show', id)).toMatchObject({ state: 'held', nextAttemptAt: null })
    expect((await sealpost('queue', 'list', '--state', 'held')).lines[1]).toMatch(
      / held +\d+ +waits until it is resumed +one@example\.test /,
    )
    for (const verb of ['delete', 'hold']) {
      const { status, stderr } = await sealpost('queue', verb, id, '99999')
      expect([status, stderr]).toEqual([1, expect.stringContaining('99999')])
    }
    expect((await sealpost('queue', 'delete')).stderr).toMatch(
      /give one of: ids of messages, options that select messages, or --all/,
    )
    expect(await json('queue', 'bounce', '--recipient', 'two@')).toEqual({ messages: 1 })
    isBusy = false
    expect((await sealpost('queue', 'unhold', '--state', 'held')).stdout).toBe('Resumed 1 message.\n')
    await expect.poll(async () => await json('queue', 'list')).toEqual([])
    expect(host.received.map(({ to }) => to[0]?.address)).toEqual(['one@example.test'])
    expect((await sealpost('queue', 'flush')).stdout).toBe('Tried 0 messages.\n')
    const report = await sealpost('mail', 'wait', '--to', 'alice', '--timeout', '10s')
    expect(report.stdout).toContain('two@example.test')
  })
})

import { once } from 'node:events'
import { expect, it } from 'vitest'
import { LineClient } from '../support/line-client.ts'
import { type StartedLab, workplaceOfEach } from '../support/sealpost.ts'

const place = workplaceOfEach()

const start = (drain: string): Promise<StartedLab> => {
  place.write(
    'lab.yaml',
    `certificates: { store: memory, key: p256, default: none }
drain: ${drain}
virtualServers: [{ protocol: smtp, port: 0 }, { protocol: http, port: 0 }]
`,
  )
  return place.start(['--config', 'lab.yaml'])
}

const health = () => place.run(['healthcheck', '--config', 'lab.yaml'])

/** Begins a mail transaction. */
async function transaction(lab: StartedLab): Promise<LineClient> {
  const client = await LineClient.greeted(lab.endpoint('smtp').port as number)
  client.send('HELO here\r\nMAIL FROM:<a@lab.test>\r\n')
  await client.line()
  expect(await client.line()).toMatch(/^250 /)
  return client
}

it('stop waits until sessions have finished, and --now ends them', async () => {
  const stop = (...args: string[]) => place.run(['stop', '--config', 'lab.yaml', ...args])
  expect(await stop()).toMatchObject({ status: 1, stderr: expect.stringMatching(/no lab of lab.yaml is running/) })
  await using lab = await start('{ timeout: 1h }')
  await transaction(lab)
  expect(await stop('--timeout', '1s')).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/end its sessions with --now/),
  })
  expect(await stop('--now')).toMatchObject({ status: 0, stdout: `stopped (process ${lab.process.pid})\n` })
})

it('SIGTERM lets a transaction finish, and healthcheck and /readyz say that the lab is draining', async () => {
  await using lab = await start('{ delay: 1h, timeout: 1h }')
  expect((await health()).status).toBe(0)
  const client = await transaction(lab)
  lab.process.kill('SIGTERM')
  await lab.logged('drain.delay')
  expect(await health()).toMatchObject({ status: 1, stderr: expect.stringMatching(/^the lab is draining: /) })
  const ready = await fetch(`http://127.0.0.1:${lab.endpoint('http').port}/readyz`)
  expect([ready.status, await ready.json()]).toMatchObject([503, { reasons: [{ part: 'lab' }] }])
  // New clients are served until the delay is over.
  const late = await transaction(lab)
  late.send('RCPT TO:<x@elsewhere.test>\r\nDATA\r\n')
  await late.line()
  await late.line()
  late.send('Subject: Late\r\n\r\nText\r\n.\r\nQUIT\r\n')
  expect((await late.rest()).map((line) => line.slice(0, 3))).toEqual(['250', '221'])
  await insist(lab, 'SIGTERM')
  expect(await client.rest()).toEqual([expect.stringMatching(/^421 4\.3\.2 /)])
  expect(lab.process.exitCode).toBe(0)
})

it('SIGTERM waits for a transaction, SIGINT does not', async () => {
  await using lab = await start('{ timeout: 1h }')
  const client = await transaction(lab)
  lab.process.kill('SIGTERM')
  await lab.logged('SIGTERM: stopping')
  client.send('RSET\r\n')
  expect(await client.rest()).toEqual([expect.stringMatching(/^250 /), expect.stringMatching(/^421 4\.3\.2 /)])
  await using other = await start('{ timeout: 1h }')
  const cut = await transaction(other)
  expect(await other.end('SIGINT')).toBe(0)
  expect(await cut.rest()).toEqual([expect.stringMatching(/^421 4\.3\.2 /)])
})

/** Sends a signal until the process ends: a repetition within 250 ms does not count. */
async function insist(lab: StartedLab, signal: NodeJS.Signals): Promise<void> {
  const ended = once(lab.process, 'exit')
  const hurried = lab.logged('stopping immediately').then(() => clearInterval(timer))
  const timer = setInterval(() => lab.process.kill(signal), 100)
  await hurried
  await ended
}

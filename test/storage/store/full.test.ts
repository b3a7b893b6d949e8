import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import { startLab } from '../../../src/testing/index.ts'
import { LineClient } from '../../support/line-client.ts'
import { withoutRootRights } from '../../support/root-rights.ts'
import { mainFile, type ReadyEndpoint, Workplace } from '../../support/sealpost.ts'

/** Expects each protocol's reply for a full store, and that stored messages can still be read. */
async function expectRefusals(portOf: (protocol: string) => number): Promise<void> {
  const big = `Subject: big\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(12_000)}`
  expect(await smtpSays(portOf('smtp'), big)).toMatch(/^452 /)
  expect(await imapSays(portOf('imap4'), big)).toMatch(/^a2 NO \[OVERQUOTA\]/)
  const article = `From: a@lab.test\r\nNewsgroups: lab.general\r\n${big}`
  expect(await nntpSays(portOf('nntp'), article)).toMatch(/^441 /)
  expect(await pop3Reads(portOf('pop3'))).toContain('It is kept.')
  expect(await imapReads(portOf('imap4'))).toContain('It is kept.')
}

async function smtpSays(port: number, message: string): Promise<string | undefined> {
  const client = await LineClient.greeted(port)
  client.send('EHLO client.test\r\n')
  await client.lines((line) => line.startsWith('250 '))
  for (const command of ['MAIL FROM:<a@lab.test>', 'RCPT TO:<alice@lab.test>', 'DATA']) {
    client.send(`${command}\r\n`)
    const reply = await client.line()
    if (!/^[23]/.test(reply ?? '')) return reply
  }
  client.send(`${message}.\r\n`)
  const reply = await client.line()
  client.destroy()
  return reply
}

async function imapSays(port: number, message: string): Promise<string | undefined> {
  const client = await LineClient.greeted(port)
  client.send('a1 LOGIN alice secret\r\n')
  await client.lines((line) => line.startsWith('a1 '))
  client.send(`a2 APPEND INBOX {${message.length}}\r\n`)
  const go = await client.line()
  if (go?.startsWith('+')) client.send(`${message}\r\n`)
  const replies = go?.startsWith('+') ? await client.lines((line) => line.startsWith('a2 ')) : [go]
  client.destroy()
  return replies.at(-1)
}

/** Reads with a FETCH that also tries to set `\Seen`. */
async function imapReads(port: number): Promise<string> {
  const client = await LineClient.greeted(port)
  client.send('a1 LOGIN alice secret\r\na2 SELECT INBOX\r\na3 FETCH 1 BODY[]\r\n')
  const lines = await client.lines((line) => line.startsWith('a3 '))
  client.destroy()
  return lines.join('\n')
}

async function nntpSays(port: number, article: string): Promise<string | undefined> {
  const client = await LineClient.greeted(port)
  client.send('POST\r\n')
  if (!(await client.line())?.startsWith('340')) throw new Error('POST is not allowed')
  client.send(`${article}.\r\n`)
  const reply = await client.line()
  client.destroy()
  return reply
}

async function pop3Reads(port: number): Promise<string> {
  const client = await LineClient.greeted(port)
  for (const command of ['USER alice', 'PASS secret']) {
    client.send(`${command}\r\n`)
    await client.line()
  }
  client.send('RETR 1\r\n')
  const lines = await client.lines((line) => line === '.')
  client.destroy()
  return lines.join('\n')
}

const accounts = [{ user: 'alice', password: 'secret' }]
const small = 'Subject: small\r\n\r\nIt is kept.\r\n'

describe('a full store is reported as 452, [OVERQUOTA] and 441, and can be read', () => {
  it('in memory, at the limit', async () => {
    await using lab = await startLab({ store: { memory: '256KiB' }, directory: { accounts } })
    expect(await smtpSays(lab.server('smtp').port ?? 0, small)).toMatch(/^250 /)
    await expectRefusals((protocol) => lab.server(protocol).port ?? 0)
    expect(await smtpSays(lab.server('smtp').port ?? 0, small)).toMatch(/^250 /)
  })

  it('on a full disk', async () => {
    const place = new Workplace()
    // A limit of the file size acts as a full disk. The signal that the limit causes is ignored.
    const limited = ['sh', '-c', `trap '' XFSZ; ulimit -f 800; exec "$0" "$@"`]
    await withLab(place, limited, async (portOf) => {
      expect(await smtpSays(portOf('smtp'), small)).toMatch(/^250 /)
      await expectRefusals(portOf)
      expect(await smtpSays(portOf('smtp'), small)).toMatch(/^250 /)
    })
  })

  it('on disk, in a folder that is not writable', async () => {
    const place = new Workplace()
    const data = join(place.folder, 'data')
    try {
      await withLab(place, [], async (portOf) => {
        expect(await smtpSays(portOf('smtp'), small)).toMatch(/^250 /)
      })
      for (const file of readdirSync(data)) chmodSync(join(data, file), 0o444)
      chmodSync(data, 0o555)
      await withLab(place, withoutRootRights, expectRefusals)
    } finally {
      chmodSync(data, 0o755)
    }
  })
})

/** Runs a lab with its store in `data`, started by the command `by`, and stops it afterwards. */
async function withLab(
  place: Workplace,
  by: readonly string[],
  use: (portOf: (protocol: string) => number) => Promise<void>,
): Promise<void> {
  const config = place.write(
    'lab.yaml',
    `store: { lmdb: data }
certificates: { store: memory, key: p256 }
directory: { accounts: [{ user: alice, password: secret }] }
news:
  groups: [{ name: lab.general }]
virtualServers:
  - { protocol: smtp, port: 0 }
  - { protocol: pop3, port: 0, tlsPort: off }
  - { protocol: imap4, port: 0, tlsPort: off }
  - { protocol: nntp, port: 0, tlsPort: off }
`,
  )
  const [program = '', ...args] = [...by, process.execPath, mainFile, 'start', '--json', '--config', config]
  const child = spawn(program, args, {
    env: { ...process.env, TMPDIR: place.folder, XDG_RUNTIME_DIR: '' },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  try {
    const endpoints = await ready(child)
    await use((protocol) => endpoints.find((each) => each.protocol === protocol)?.port ?? 0)
  } finally {
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await ended
  }
}

async function ready(child: ChildProcess): Promise<readonly ReadyEndpoint[]> {
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    const event = JSON.parse(line) as { event: string; endpoints: ReadyEndpoint[] }
    if (event.event === 'ready') return event.endpoints
  }
  throw new Error('sealpost exited before it was ready')
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { newFolder } from '../../support/folder.ts'
import { freePort } from '../../support/free-ports.ts'
import { ifInstalled } from '../../support/more-programs.ts'
import { HttpLab } from './client.ts'

/** https://spamassassin.apache.org/gtube/ */
const GTUBE = 'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X'

const folder = newFolder()
let running: ChildProcess | undefined
afterEach(async () => {
  if (!running || running.exitCode !== null) return
  running.kill()
  await once(running, 'exit')
})

/** Starts a program, and waits until its output says that it is ready. */
async function start(program: string, args: readonly string[], ready: RegExp): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  running = child
  let output = ''
  await new Promise<void>((resolve, reject) => {
    const read = (text: Buffer): void => {
      output += text
      if (ready.test(output)) resolve()
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.on('exit', () => reject(new Error(output)))
  })
}

/** Returns what Mailpit's API says of two messages: GTUBE, and a plain one. */
async function verdicts(spamFilter: string) {
  await using http = await HttpLab.start({
    mail: { spamFilter },
    virtualServers: [{ protocol: 'smtp' }, { protocol: 'http' }],
  })
  const found = []
  for (const text of [GTUBE, 'The invoice is attached.']) {
    const header = 'From: shop@example.com\r\nTo: alice@lab.test\r\nSubject: Offer\r\nMessage-ID: <1@example.com>\r\n'
    await http.lab.deliver(Buffer.from(`${header}Date: ${new Date().toUTCString()}\r\n\r\n${text}\r\n`), {
      to: 'alice',
    })
    found.push((await http.request('/mailpit/api/v1/message/latest/sa-check')).body)
  }
  const [{ id }] = (await http.request('messages')).body.items
  const checks = (await http.request(`messages/${id}/checks?check=spam`)).body.items
  return { spam: found[0], plain: found[1], checks }
}

describe.skipIf(!ifInstalled('spamd'))('spamd', () => {
  test('judges messages', { timeout: 300_000 }, async () => {
    const port = await freePort()
    // Without the network, as one child.
    await start('spamd', ['-L', '-x', '-i', '127.0.0.1', '-p', `${port}`, '-m', '1', '-s', 'stderr'], /server started/)
    const { spam, plain, checks } = await verdicts(`spamd://127.0.0.1:${port}`)
    expect(spam).toMatchObject({ IsSpam: true, Error: '' })
    expect(spam.Rules).toContainEqual({
      Score: 1000,
      Name: 'GTUBE',
      Description: expect.stringContaining('Generic Test'),
    })
    expect(plain).toMatchObject({ IsSpam: false, Error: '' })
    expect(checks[0]).toMatchObject({ level: 'info', source: 'SpamAssassin' })
  })
})

describe.skipIf(!ifInstalled('rspamd'))('rspamd', () => {
  test('judges messages', { timeout: 300_000 }, async () => {
    const port = await freePort()
    const file = join(folder, 'rspamd.conf')
    writeFileSync(
      file,
      `options {
  filters = "chartable,regexp";
  gtube_patterns = "all";
  pidfile = "${folder}/rspamd.pid";
  cache_file = "${folder}/symbols.cache";
  url_tld = "/usr/share/publicsuffix/effective_tld_names.dat";
  dns { nameserver = ["127.0.0.1:1"]; timeout = 0.1s; }
}
actions { reject = 15; add_header = 6; greylist = 4; }
logging { type = "console"; level = "info"; }
lua = "/usr/share/rspamd/rules/rspamd.lua";
worker "normal" { bind_socket = "127.0.0.1:${port}"; count = 1; mime = true; }
`,
    )
    await start('rspamd', ['-f', '-i', '-c', file], /normal\).*starting process|starting normal process/)
    const { spam, plain, checks } = await verdicts(`http://127.0.0.1:${port}`)
    expect(spam).toMatchObject({ IsSpam: true, Error: '' })
    expect(spam.Rules).toContainEqual(expect.objectContaining({ Name: 'GTUBE' }))
    expect(plain).toMatchObject({ IsSpam: false, Error: '' })
    expect(checks[0]).toMatchObject({ level: 'info', source: 'rspamd' })
  })
})

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ClientLab, startClientLab } from '../../support/client-lab.ts'
import { freePort } from '../../support/free-ports.ts'
import { hasFile, ifInstalled } from '../../support/more-programs.ts'
import { runProgram } from '../../support/run-program.ts'

const ROUNDCUBE = '/usr/share/roundcube'

/** A browser's cookies between two requests. */
class Browser {
  readonly #base: string
  readonly #cookies = new Map<string, string>()

  constructor(base: string) {
    this.#base = base
  }

  /** Requests a page, or sends a form. Follows redirects. */
  async open(path: string, form?: Readonly<Record<string, string>>): Promise<{ url: string; text: string }> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(new URL(path, this.#base), {
      redirect: 'manual',
      headers: { cookie },
      ...(form ? { method: 'POST', body: new URLSearchParams(form) } : {}),
    })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value === '-del-') this.#cookies.delete(name)
      else this.#cookies.set(name, value)
    }
    const location = response.headers.get('location')
    const text = await response.text()
    return location === null ? { url: path, text } : this.open(location)
  }
}

/** Proofs of the server that Auth_SASL refuses although they are right, one in 16: + or / in the last group of the base64. */
const UNREADABLE = /^v=.*(?:[+/]..|.[+/].|..[+/]|[YZ].=)=$/

const field = (text: string, name: string): string =>
  new RegExp(`name="${name}"[^>]*value="([^"]*)"`).exec(text)?.[1] ?? ''

describe.skipIf(!ifInstalled('php', hasFile(`${ROUNDCUBE}/index.php`)))('Roundcube', () => {
  let client: ClientLab
  let php: ChildProcess
  let browser: Browser

  beforeAll(async () => {
    client = await startClientLab()
    const { lab, folder, caFile } = client
    const port = await freePort()
    mkdirSync(join(folder, 'config'))
    const ssl = `['ssl' => ['verify_peer' => true, 'verify_peer_name' => true, 'cafile' => '${caFile}']]`
    const database = join(folder, 'roundcube.db')
    // Everything else is as Debian's package has it. The settings of the machine's own Roundcube are not read.
    for (const name of ['defaults.inc.php', 'mimetypes.php'])
      copyFileSync(`/etc/roundcube/${name}`, join(folder, 'config', name))
    writeFileSync(join(folder, 'first.php'), `<?php define('RCUBE_CONFIG_DIR', '${folder}/config/');`)
    writeFileSync(
      join(folder, 'config', 'config.inc.php'),
      `<?php
$config['db_dsnw'] = 'sqlite:///${database}?mode=0640';
$config['imap_host'] = 'ssl://localhost:${lab.server('imap4').tlsPort}';
$config['imap_conn_options'] = ${ssl};
$config['smtp_host'] = 'tls://localhost:${lab.server('smtp').port}';
$config['smtp_conn_options'] = ${ssl};
$config['mail_domain'] = 'lab.test';
$config['des_key'] = 'abcdefghijklmnopqrstuvwx';
$config['plugins'] = [];
$config['skin'] = 'elastic';
$config['log_driver'] = 'stdout';
$config['temp_dir'] = '${folder}';
`,
    )
    const create = `$db = new PDO('sqlite:${database}'); $db->exec(file_get_contents('${ROUNDCUBE}/SQL/sqlite.initial.sql'));`
    expect(await runProgram('php', ['-r', create])).toMatchObject({ status: 0 })
    const first = `auto_prepend_file=${join(folder, 'first.php')}`
    php = spawn('php', ['-d', first, '-S', `127.0.0.1:${port}`, '-t', ROUNDCUBE], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    await once(php.stderr as NonNullable<typeof php.stderr>, 'data')
    browser = new Browser(`http://127.0.0.1:${port}/`)
    const { text } = await browser.open('/')
    const { text: mailbox } = await browser.open('/?_task=login', {
      _token: field(text, '_token'),
      _task: 'login',
      _action: 'login',
      _timezone: 'UTC',
      _url: '',
      _user: 'alice',
      _pass: 'secret',
    })
    expect(mailbox).toContain('mailboxlist')
  })
  afterAll(async () => {
    if (php && php.exitCode === null) {
      php.kill()
      await once(php, 'exit')
    }
    await client?.[Symbol.asyncDispose]()
  })

  /** Fills in the form of a new message, and returns the answer. */
  async function send(): Promise<string> {
    const { text } = await browser.open('/?_task=mail&_action=compose')
    const token = /"request_token":"([^"]+)"/.exec(text)?.[1] ?? ''
    const from = /<select[^>]*name="_from"[^>]*>\s*<option value="(\d+)"/.exec(text)?.[1] ?? field(text, '_from')
    const sent = await browser.open('/?_task=mail&_action=send&_framed=1', {
      _token: token,
      _task: 'mail',
      _action: 'send',
      _id: field(text, '_id'),
      _from: from,
      _is_html: '0',
      _to: 'bob@lab.test',
      _subject: 'From Roundcube',
      _message: 'Grüße',
      _store_target: 'Sent',
    })
    return sent.text
  }

  /** Returns the server's last message of SCRAM in the latest SMTP session. RFC 5802 section 7. */
  function serverProof(): string | undefined {
    const session = client.lab.sessions().findLast(({ protocol }) => protocol === 'smtp')
    const lines = session?.transcript.flatMap((entry) => (entry.kind === 'line' ? [entry.text] : [])) ?? []
    const challenges = lines.filter((text) => text.startsWith('334 '))
    return challenges
      .map((text) => Buffer.from(text.slice(4), 'base64').toString())
      .find((text) => text.startsWith('v='))
  }

  test('sends by the mechanism that its library prefers', async () => {
    let answer = await send()
    while (!answer.includes('sent_successfully')) {
      expect(serverProof(), answer).toMatch(UNREADABLE)
      answer = await send()
    }
    const message = await client.lab.waitForMessage({ to: 'bob@lab.test', subject: 'From Roundcube' })
    expect(message.text).toContain('Grüße')
    const session = client.lab.sessions().findLast(({ protocol }) => protocol === 'smtp')
    expect(JSON.stringify(session?.transcript)).toMatch(/AUTH SCRAM-SHA-/)
    expect(session).toMatchObject({ user: 'alice', refusals: [] })
    const imap = client.lab.sessions().filter(({ protocol }) => protocol === 'imap4')
    expect(JSON.stringify(imap)).toMatch(/APPEND Sent /)
  })

  test('lists and shows mail', async () => {
    await client.lab.deliver({ from: 'bob@lab.test', subject: 'For Roundcube', text: 'Read me' }, 'alice')
    const list = await browser.open('/?_task=mail&_action=list&_mbox=INBOX&_remote=1')
    expect(list.text).toContain('For Roundcube')
    const uid = /add_message_row\((\d+)/.exec(list.text)?.[1]
    const shown = await browser.open(`/?_task=mail&_action=show&_mbox=INBOX&_uid=${uid}`)
    expect(shown.text).toContain('Read me')
  })

  test('moves and deletes mail', async () => {
    await client.lab.deliver({ from: 'bob@lab.test', subject: 'Move me', text: 'x' }, 'alice')
    const page = await browser.open('/?_task=mail&_mbox=INBOX')
    const token = /"request_token":"([^"]+)"/.exec(page.text)?.[1] ?? ''
    const uidOf = async (mailbox: string): Promise<string> => {
      const { text } = await browser.open(`/?_task=mail&_action=list&_mbox=${mailbox}&_remote=1`)
      return /add_message_row\((\d+)[^)]*Move me/.exec(text)?.[1] ?? ''
    }
    const form = { _token: token, _remote: '1' }
    const uid = await uidOf('INBOX')
    expect(uid).not.toBe('')
    const moved = await browser.open('/?_task=mail&_action=move&_remote=1', {
      ...form,
      _uid: uid,
      _mbox: 'INBOX',
      _target_mbox: 'Sent',
    })
    expect(moved.text).toContain('moved successfully')
    expect(await uidOf('INBOX')).toBe('')
    const sentUid = await uidOf('Sent')
    expect(sentUid).not.toBe('')
    const deleted = await browser.open('/?_task=mail&_action=delete&_remote=1', {
      ...form,
      _uid: sentUid,
      _mbox: 'Sent',
    })
    expect(deleted.text).toContain('deleted successfully')
    expect(await uidOf('Sent')).toBe('')
    const imap = client.lab.sessions().filter(({ protocol }) => protocol === 'imap4')
    expect(imap.flatMap(({ refusals }) => refusals)).toEqual([])
  })
})

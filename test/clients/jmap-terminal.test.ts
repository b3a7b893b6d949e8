import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { type ClientLab, startClientLab } from '../support/client-lab.ts'
import { ifInstalled } from '../support/more-programs.ts'
import { startScreen } from '../support/screen.ts'

// Mail programs in a terminal that read and send by JMAP alone, over TLS that they verify.

interface Program {
  /** Writes the settings of the program. Returns the command that starts it. */
  start(client: ClientLab, port: number): readonly string[]
  /** The keys that mark the open mail, and the flag that it gets. */
  readonly mark: readonly string[]
  readonly flag: string
}

/** Returns the command that runs another with `caFile` as the system's only root: the libcurl of meli reads no other file. */
function withSystemRoot(caFile: string): string[] {
  const bind = 'mount --bind "$0" /etc/ssl/certs/ca-certificates.crt && exec "$@"'
  return ['unshare', '--map-root-user', '--mount', 'sh', '-c', bind, caFile]
}

const programs: Readonly<Record<string, Program>> = {
  aerc: {
    start({ folder, caFile }, port) {
      const account = `source = jmap://alice:secret@localhost:${port}/.well-known/jmap\noutgoing = jmap://\nfrom = Alice <alice@lab.test>\ndefault = INBOX\n`
      writeFileSync(join(folder, 'accounts.conf'), `[alice]\n${account}`, { mode: 0o600 })
      writeFileSync(join(folder, 'aerc.conf'), '[filters]\ntext/plain = cat\n[compose]\neditor = true\n')
      const files = ['-A', join(folder, 'accounts.conf'), '-C', join(folder, 'aerc.conf')]
      return ['env', `HOME=${folder}`, `SSL_CERT_FILE=${caFile}`, 'aerc', ...files]
    },
    mark: [':flag', 'Enter'],
    flag: '\\Flagged',
  },
  meli: {
    start({ folder, caFile }, port) {
      const file = join(folder, 'meli.toml')
      const account = {
        root_mailbox: 'INBOX',
        format: 'jmap',
        identity: 'alice@lab.test',
        server_url: `https://localhost:${port}`,
        server_username: 'alice',
        server_password: 'secret',
        send_mail: 'server_submission',
      }
      const lines = Object.entries(account).map(([key, value]) => `${key} = "${value}"`)
      writeFileSync(file, `[accounts.alice]\n${lines.join('\n')}\nsubscribed_mailboxes = ["*"]\n`, { mode: 0o600 })
      mkdirSync(join(folder, 'run'), { mode: 0o700 })
      return [
        'env',
        `HOME=${folder}`,
        `XDG_RUNTIME_DIR=${join(folder, 'run')}`,
        ...withSystemRoot(caFile),
        'meli',
        '-c',
        file,
      ]
    },
    // It marks what it shows.
    mark: [],
    flag: '\\Seen',
  },
}

describe.each(Object.entries(programs))('%s', (name, program) => {
  test.skipIf(!ifInstalled(name, 'tmux'))('reads mail, hears of new mail, and marks it', async () => {
    await using client = await startClientLab({
      virtualServers: [{ protocol: 'smtp' }, { protocol: 'pop3' }, { protocol: 'imap4' }, { protocol: 'http' }],
    })
    const { lab, folder } = client
    await lab.deliver(
      { from: 'bob@lab.test', subject: 'First letter', text: 'The text of the first.' },
      { to: 'alice' },
    )
    await using screen = await startScreen(folder, program.start(client, lab.server('http').tlsPort))
    try {
      await screen.shows('First letter')
      await lab.deliver(
        { from: 'bob@lab.test', subject: 'Second letter', text: 'The text of the second.' },
        { to: 'alice' },
      )
      await screen.shows('Second letter')
      await screen.press('Enter')
      await screen.shows('The text of the')
      await screen.press(...program.mark)
      const flags = async () => (await lab.messages()).flatMap((one) => one.flags)
      await vi.waitFor(async () => expect(await flags()).toEqual(expect.arrayContaining([program.flag])), {
        timeout: 20_000,
      })
    } catch (error) {
      console.log(await screen.text())
      throw error
    }
  })
})

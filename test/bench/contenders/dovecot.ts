import { chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProgram, freePort, spawnServer, versionOf } from '../frame/processes.ts'
import type { Contender } from '../frame/types.ts'

/** Dovecot does not serve mail as root, so it runs as `nobody` then. */
const [USER_ID, GROUP_ID] = process.getuid?.() ? [process.getuid(), process.getgid?.() ?? 0] : [65534, 65534]

interface DovecotSettings {
  readonly protocol: 'imap' | 'pop3' | 'lmtp'
  /** Messages in the INBOX of `alice` (password `secret`), from the lowest uid. */
  readonly messages: readonly Buffer[]
}

export const dovecot = ({ protocol, messages }: DovecotSettings): Contender => ({
  name: 'Dovecot',
  missing: () =>
    findProgram('dovecot') ? undefined : `dovecot is not installed (Debian package dovecot-${protocol}d)`,
  version: () => versionOf('dovecot', '--version'),
  async start() {
    const folder = mkdtempSync(join(tmpdir(), 'sealpost-bench-'))
    const port = await freePort()
    fillMaildir(join(folder, 'Maildir'), messages)
    chownTree(folder)
    const file = join(folder, 'dovecot.conf')
    writeFileSync(file, configuration(folder, protocol, port))
    const target = await spawnServer(findProgram('dovecot') ?? 'dovecot', ['-F', '-c', file], port)
    return {
      ...target,
      async stop() {
        await target.stop()
        rmSync(folder, { recursive: true, force: true })
      },
    }
  },
})

const configuration = (folder: string, protocol: DovecotSettings['protocol'], port: number): string => `
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/log
protocols = ${protocol}
listen = 127.0.0.1
ssl = no
auth_allow_cleartext = yes
default_login_user = nobody
default_internal_user = nobody
default_internal_group = nogroup
first_valid_uid = 1
mail_uid = ${USER_ID}
mail_gid = ${GROUP_ID}
mail_driver = maildir
mail_path = ${folder}/Maildir
mail_home = ${folder}
passdb static {
  password = secret
}
userdb static {
  allow_all_users = yes
}
${protocol === 'lmtp' ? lmtpService(port) : loginService(protocol, port)}
service anvil {
  chroot =
}
service stats {
  chroot =
}
`

const loginService = (protocol: string, port: number): string => `service ${protocol}-login {
  chroot =
  inet_listener ${protocol} {
    port = ${port}
  }
  inet_listener ${protocol}s {
    port = 0
  }
}`

const lmtpService = (port: number): string => `service lmtp {
  inet_listener lmtp {
    port = ${port}
  }
}`

function fillMaildir(maildir: string, messages: readonly Buffer[]): void {
  for (const name of ['cur', 'new', 'tmp']) mkdirSync(join(maildir, name), { recursive: true })
  messages.forEach((raw, i) => {
    const name = `${1_000_000_000 + i}.M${i}.host,S=${raw.length},W=${raw.length}:2,`
    writeFileSync(join(maildir, 'cur', name), raw)
  })
}

function chownTree(folder: string): void {
  if (process.getuid?.() !== 0) return
  chownSync(folder, USER_ID, GROUP_ID)
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    chownSync(join(folder, name), USER_ID, GROUP_ID)
  }
}

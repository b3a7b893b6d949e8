import { chownSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GROUP_ID, USER_ID } from '../../../support/dovecot.ts'
import { newFolder } from '../../../support/folder.ts'
import { freePorts } from '../../../support/free-ports.ts'
import type { ServerIdentity } from '../authority.ts'
import { endServer, startServer } from './child.ts'

interface DovecotServer extends AsyncDisposable {
  readonly pop3: { readonly port: number; readonly tlsPort: number }
  readonly imap4: { readonly port: number; readonly tlsPort: number }
}

/** Dovecot treats clients from its own address as secure. Here they connect from 127.0.0.1 to another address. */
export const DOVECOT_HOST = '127.0.0.2'

/**
 * Starts Debian's Dovecot on four high ports. Every user's password is `secret-word`.
 * @param settings lines of dovecot.conf to append
 */
export async function startDovecot({ key, cert }: ServerIdentity, settings = ''): Promise<DovecotServer> {
  const folder = newFolder()
  const [pop3 = 0, pop3s = 0, imap = 0, imaps = 0] = await freePorts(4)
  for (const name of ['cur', 'new', 'tmp']) mkdirSync(join(folder, 'Maildir', name), { recursive: true })
  writeFileSync(join(folder, 'key.pem'), key, { mode: 0o600 })
  writeFileSync(join(folder, 'cert.pem'), cert)
  const file = join(folder, 'dovecot.conf')
  const ports = { pop3, pop3s, imap, imaps }
  writeFileSync(file, `${configuration(folder, ports)}${settings}\n`)
  if (process.getuid?.() === 0) {
    for (const name of ['', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })]) {
      chownSync(join(folder, name), USER_ID, GROUP_ID)
    }
  }
  const child = await startServer('/usr/sbin/dovecot', ['-F', '-c', file], imap, {}, DOVECOT_HOST)
  return {
    pop3: { port: pop3, tlsPort: pop3s },
    imap4: { port: imap, tlsPort: imaps },
    async [Symbol.asyncDispose]() {
      await endServer(child)
    },
  }
}

const configuration = (
  folder: string,
  ports: Readonly<Record<'pop3' | 'pop3s' | 'imap' | 'imaps', number>>,
): string => `
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/log
protocols = imap pop3
listen = ${DOVECOT_HOST}
ssl = required
ssl_server_cert_file = ${folder}/cert.pem
ssl_server_key_file = ${folder}/key.pem
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
  password = secret-word
}
userdb static {
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
${loginService('imap', ports.imap, ports.imaps)}${loginService('pop3', ports.pop3, ports.pop3s)}`

const loginService = (name: string, port: number, tlsPort: number): string => `service ${name}-login {
  chroot =
  inet_listener ${name} {
    port = ${port}
  }
  inet_listener ${name}s {
    port = ${tlsPort}
    ssl = yes
  }
}
`

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { dovecotConfiguration, dovecotServer, fillMaildir, giveToDovecot } from '../../../support/dovecot.ts'
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
  fillMaildir(folder, [])
  writeFileSync(join(folder, 'key.pem'), key, { mode: 0o600 })
  writeFileSync(join(folder, 'cert.pem'), cert)
  const file = join(folder, 'dovecot.conf')
  const ports = { pop3, pop3s, imap, imaps }
  writeFileSync(file, `${configuration(folder, ports)}${settings}\n`)
  giveToDovecot(folder)
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
): string => `${dovecotConfiguration(folder)}${dovecotServer('secret-word')}
protocols = imap pop3
listen = ${DOVECOT_HOST}
ssl = required
ssl_server_cert_file = ${folder}/cert.pem
ssl_server_key_file = ${folder}/key.pem
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

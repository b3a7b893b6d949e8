import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dovecotConfiguration, dovecotServer, fillMaildir, giveToDovecot } from '../../support/dovecot.ts'
import { findProgram, freePort, spawnServer, versionOf } from '../frame/processes.ts'
import type { Contender } from '../frame/types.ts'

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
    fillMaildir(folder, messages)
    giveToDovecot(folder)
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

const configuration = (
  folder: string,
  protocol: DovecotSettings['protocol'],
  port: number,
): string => `${dovecotConfiguration(folder)}${dovecotServer('secret')}
protocols = ${protocol}
listen = 127.0.0.1
ssl = no
auth_allow_cleartext = yes
${protocol === 'lmtp' ? lmtpService(port) : loginService(protocol, port)}
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

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProgram, freePort, spawnServer } from '../frame/processes.ts'
import type { Contender } from '../frame/types.ts'

interface GreenMailSettings {
  readonly protocol: 'smtp' | 'pop3' | 'imap'
  /** Messages in the INBOX of `alice` (password `secret`). */
  readonly messages?: readonly Buffer[]
}

/** Returns GreenMail standalone, in Java. Neither npm nor Debian has it, so GREENMAIL_JAR must name its jar. */
export const greenMail = ({ protocol, messages = [] }: GreenMailSettings): Contender => ({
  name: 'GreenMail',
  missing() {
    if (!findProgram('java')) return 'java is not installed'
    return process.env.GREENMAIL_JAR ? undefined : 'GREENMAIL_JAR does not name a greenmail-standalone.jar'
  },
  async start() {
    const folder = mkdtempSync(join(tmpdir(), 'sealpost-bench-'))
    const inbox = join(folder, 'alice@lab.test', 'INBOX')
    mkdirSync(inbox, { recursive: true })
    messages.forEach((raw, i) => {
      writeFileSync(join(inbox, `${String(i).padStart(6, '0')}.eml`), raw)
    })
    const port = await freePort()
    const settings = {
      hostname: '127.0.0.1',
      // GreenMail preloads messages through SMTP.
      'smtp.port': await freePort(),
      [`${protocol}.port`]: port,
      users: 'alice:secret@lab.test,bob:secret@lab.test',
      'users.login': 'local_part',
      ...(messages.length > 0 && { 'preload.dir': folder }),
    }
    const args = Object.entries(settings).map(([key, value]) => `-Dgreenmail.${key}=${value}`)
    const target = await spawnServer(
      findProgram('java') ?? 'java',
      [...args, '-jar', process.env.GREENMAIL_JAR ?? ''],
      port,
    )
    return {
      ...target,
      async stop() {
        await target.stop()
        rmSync(folder, { recursive: true, force: true })
      },
    }
  },
})

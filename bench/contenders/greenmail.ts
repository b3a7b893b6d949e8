import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProgram, freePort, spawnServer } from '../frame/processes.ts'
import type { Contender } from '../frame/types.ts'

export interface GreenMailSettings {
  readonly protocol: 'smtp' | 'pop3' | 'imap'
  /** What lies in the INBOX of `alice` (password `secret`). */
  readonly messages?: readonly Buffer[]
}

/** GreenMail standalone, in Java. It is in no registry that npm or Debian reaches, so its jar has to be named. */
export const greenMail = ({ protocol, messages = [] }: GreenMailSettings): Contender => ({
  name: 'GreenMail',
  missing() {
    if (!findProgram('java')) return 'no java here'
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
      // What is preloaded comes in by SMTP.
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

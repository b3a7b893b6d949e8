import { existsSync } from 'node:fs'
import { CYRUS, startCyrus } from '../../support/cyrus.ts'
import { ProcessTree } from '../frame/proc.ts'
import type { Contender } from '../frame/types.ts'
import { logOnByImap } from '../frame/wire.ts'

/** Cyrus IMAP with JMAP, and messages in the INBOX of `alice` (password `secret`). */
export const cyrus = (messages: readonly Buffer[]): Contender => ({
  name: 'Cyrus IMAP',
  missing: () =>
    CYRUS.every(existsSync) ? undefined : 'Cyrus is not installed (Debian packages cyrus-imapd and cyrus-caldav)',
  async start() {
    const server = await startCyrus()
    const tree = new ProcessTree(server.pid)
    const target = {
      host: '127.0.0.1',
      port: Number(new URL(server.jmap).port),
      pid: server.pid,
      cpuSeconds: () => tree.cpuSeconds(),
      memoryOctets: () => tree.memoryOctets(),
      async stop() {
        tree.stop()
        await server[Symbol.asyncDispose]()
      },
    }
    const wire = await logOnByImap({ ...target, port: server.imapPort })
    for (const raw of messages) {
      await wire.ask(
        Buffer.concat([Buffer.from(`a APPEND INBOX {${raw.length}+}\r\n`), raw, Buffer.from('\r\n')]),
        'a OK',
      )
      await wire.until('\r\n')
    }
    wire.close()
    return target
  },
})

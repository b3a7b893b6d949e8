import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { POSTFIX, preparePostfix, startArguments } from '../../checks/verify/debian/postfix.ts'
import { peerCertificate } from '../frame/certificate.ts'
import { freePort, spawnServer, versionOf } from '../frame/processes.ts'
import type { Contender } from '../frame/types.ts'
import { dovecot } from './dovecot.ts'

/** Most clients of a workload, which Postfix serves by one process each. */
const PROCESSES = 200

/** Postfix, whose queue is on disk, and Dovecot, which stores what Postfix delivers by LMTP. Both flush. */
export const postfixAndDovecot: Contender = {
  name: 'Postfix and Dovecot (LMTP)',
  missing() {
    if (process.getuid?.() !== 0) return 'only root can start Postfix'
    if (!existsSync(POSTFIX)) return 'Postfix is not installed (Debian package postfix)'
    return existsSync('/usr/lib/dovecot/lmtp') ? undefined : 'LMTP is not installed (Debian package dovecot-lmtpd)'
  },
  version: () => `${versionOf('postconf', 'mail_version')} and ${versionOf('dovecot', '--version')}`,
  async start() {
    const store = await dovecot({ protocol: 'lmtp', messages: [] }).start()
    const [port, tlsPort] = [await freePort(), await freePort()]
    const folder = preparePostfix(
      peerCertificate(),
      { port, tlsPort },
      `mydestination =
virtual_mailbox_domains = lab.test
virtual_transport = lmtp:inet:127.0.0.1:${store.port}
default_process_limit = ${PROCESSES}
smtpd_client_connection_count_limit = 0
in_flow_delay = 0`,
    )
    const { command, args, env } = startArguments(join(folder, 'etc'))
    const queue = await spawnServer(command, args, port, { env })
    return {
      ...queue,
      cpuSeconds: () => queue.cpuSeconds() + store.cpuSeconds(),
      memoryOctets: () => queue.memoryOctets() + store.memoryOctets(),
      async stop() {
        await queue.stop()
        await store.stop()
        rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
      },
    }
  },
}

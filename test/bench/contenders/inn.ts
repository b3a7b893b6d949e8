import { existsSync } from 'node:fs'
import { Inn } from '../../support/inn.ts'
import { ProcessTree } from '../frame/proc.ts'
import { freePort, versionOf } from '../frame/processes.ts'
import type { Contender } from '../frame/types.ts'

/** Returns INN 2 as Debian builds it: tradspool, tradindexed overview. It accepts articles from this machine. */
export const inn = (groups: readonly string[]): Contender => ({
  name: 'INN',
  missing: () => (existsSync('/usr/lib/news/bin/innd') ? undefined : 'innd is not installed (Debian package inn2)'),
  version: () => versionOf('innconfval', '-v'),
  async start() {
    const server = await Inn.start({ pathHost: 'inn.test', port: await freePort(), groups, peers: [] })
    const tree = new ProcessTree(server.pid)
    return {
      host: '127.0.0.1',
      port: server.port,
      cpuSeconds: () => tree.cpuSeconds(),
      memoryOctets: () => tree.memoryOctets(),
      async stop() {
        tree.stop()
        await server[Symbol.asyncDispose]()
      },
    }
  },
})

import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { connect, type TLSSocket } from 'node:tls'
import { lab } from '../contenders/lab.ts'
import { bareTls } from '../contenders/tls-peers.ts'
import { forkServer } from '../frame/processes.ts'
import type { Contender, TableSuite, Target } from '../frame/types.ts'

const CONNECTIONS = 500
const LABS = 1000

/** A connection under TLS that has been greeted. */
async function greeted({ host, port, ca }: Target): Promise<TLSSocket> {
  const socket = connect({ host, port, servername: 'localhost', ...(ca !== undefined && { ca }) })
  await once(socket, 'data')
  return socket
}

/** V8 gives memory back a while after the last garbage was collected, and only to an idle process. */
async function settled(target: Target): Promise<number> {
  await target.reset?.()
  await wait(1000)
  await target.reset?.()
  await wait(12_000)
  return target.memoryOctets()
}

/** Idle memory, and what each idle TLS connection adds. */
async function measure(contender: Contender): Promise<{ idle: number; each: number }> {
  const target = await contender.start()
  try {
    // The first connections bring in code and buffers that later ones share.
    for (let i = 0; i < 50; i++) (await greeted(target)).destroy()
    const idle = await settled(target)
    const sockets: TLSSocket[] = []
    for (let i = 0; i < CONNECTIONS; i++) sockets.push(await greeted(target))
    const busy = await settled(target)
    for (const socket of sockets) socket.destroy()
    return { idle, each: (busy - idle) / CONNECTIONS }
  } finally {
    await target.stop()
  }
}

export const suite: TableSuite = {
  kind: 'table',
  title: 'Memory',
  async measure({ peer }) {
    const contenders = [lab({ protocol: 'all', tls: true }), ...(peer === 'none' ? [] : [bareTls])]
    const rows: Record<string, string>[] = []
    for (const contender of contenders) {
      const { idle, each } = await measure(contender)
      rows.push({
        server: contender.name,
        'idle, resident': `${(idle / 1e6).toFixed(1)} MB`,
        'each of 500 idle TLS connections': `${(each / 1024).toFixed(1)} KB`,
      })
    }
    return [...rows, await manyLabs()]
  },
}

/** Labs started and stopped in one process: what is still there afterwards. */
async function manyLabs(): Promise<Record<string, string>> {
  const target = await forkServer('many-labs', { labs: LABS })
  await target.stop()
  return { server: `${LABS} labs, one after another`, 'idle, resident': target.note ?? '' }
}

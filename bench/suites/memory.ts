import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { connect, type TLSSocket } from 'node:tls'
import { lab } from '../contenders/lab.ts'
import { bareTls } from '../contenders/tls-peers.ts'
import { forkServer } from '../frame/processes.ts'
import type { Contender, TableSuite, Target } from '../frame/types.ts'

/** The first connections bring in code and buffers that later ones share; the others are measured. */
const FIRST_CONNECTIONS = 200
const CONNECTIONS = 800
const LABS = 1000
/** V8 gives memory back a while after the last garbage was collected. */
const IDLE_SECONDS = 20

/** A connection under TLS that has been greeted. */
async function greeted({ host, port, ca }: Target): Promise<TLSSocket> {
  const socket = connect({ host, port, servername: 'localhost', ...(ca !== undefined && { ca }) })
  await once(socket, 'data')
  return socket
}

async function collected(target: Target): Promise<number> {
  await target.collect?.()
  await wait(500)
  await target.collect?.()
  return target.memoryOctets()
}

/** Memory of a server that nobody has asked anything, and what each idle TLS connection adds. */
async function measure(contender: Contender): Promise<{ idle: number; each: number }> {
  const target = await contender.start()
  const sockets: TLSSocket[] = []
  const open = async (count: number): Promise<number> => {
    for (let i = 0; i < count; i++) sockets.push(await greeted(target))
    return collected(target)
  }
  try {
    let idle = await collected(target)
    for (let second = 0; second < IDLE_SECONDS; second++) {
      await wait(1000)
      idle = Math.min(idle, target.memoryOctets())
    }
    const before = await open(FIRST_CONNECTIONS)
    return { idle, each: ((await open(CONNECTIONS)) - before) / CONNECTIONS }
  } finally {
    for (const socket of sockets) socket.destroy()
    await target.stop()
  }
}

export const suite: TableSuite = {
  kind: 'table',
  title: 'Memory',
  async measure({ peer }) {
    const contenders = [
      lab({ protocol: 'all', tls: true, server: { limits: { connections: 'off' } } }),
      ...(peer === 'none' ? [] : [bareTls]),
    ]
    const rows: Record<string, string>[] = []
    for (const contender of contenders) {
      const { idle, each } = await measure(contender)
      rows.push({
        server: contender.name,
        'idle, resident': `${(idle / 1e6).toFixed(1)} MB`,
        'each idle TLS connection': `${(each / 1024).toFixed(1)} KB`,
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

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { connect, type TLSSocket } from 'node:tls'
import { startCommand } from '../contenders/command.ts'
import { lab } from '../contenders/lab.ts'
import { keepingSmtpServer } from '../contenders/smtp-peers.ts'
import { bareTls } from '../contenders/tls-peers.ts'
import { mailOf } from '../frame/mail.ts'
import { forkServer, spawnServer } from '../frame/processes.ts'
import { deliver, END, greeted } from '../frame/smtp.ts'
import type { Contender, TableSuite, Target } from '../frame/types.ts'
import { onConnections } from '../frame/wire.ts'

/** The first connections load code and buffers that later ones share, so they are not measured. */
const FIRST_CONNECTIONS = 200
const CONNECTIONS = 800
const LABS = 1000
const MESSAGES = 10_000
const CLIENTS = 8
const MESSAGES_COLUMN = `${MESSAGES.toLocaleString('en')} messages of 2 KB, resident`
/** V8 returns memory some time after the last garbage collection. */
const IDLE_SECONDS = 20

/** Opens a TLS connection and waits for the greeting. */
async function greetedByTls({ host, port, ca }: Target): Promise<TLSSocket> {
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

async function leastWhileIdle(target: Target): Promise<number> {
  let least = target.memoryOctets()
  for (let second = 0; second < IDLE_SECONDS; second++) {
    await wait(1000)
    least = Math.min(least, target.memoryOctets())
  }
  return least
}

/** Measures an idle `sealpost start` without forcing a garbage collection. Memory that is not anonymous is pages of files, mostly of Node.js. */
async function commandIdle(): Promise<Record<string, string>> {
  const { args, port, remove } = await startCommand(true)
  try {
    const target = await spawnServer(process.execPath, args, port)
    const idle = await leastWhileIdle(target)
    const [, anonymous] = /^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${target.pid}/status`, 'latin1')) ?? []
    await target.stop()
    const anonymousOctets = Number(anonymous) * 1024
    return {
      server: 'sealpost start, four protocols',
      'idle, resident': `${(idle / 1e6).toFixed(1)} MB, anonymous ${(anonymousOctets / 1e6).toFixed(1)} MB`,
    }
  } finally {
    remove()
  }
}

/** Measures what a server has that nobody uses, and after it took messages on `CLIENTS` connections. Nothing collects its garbage. */
async function holding(server: string, target: Target): Promise<Record<string, string>> {
  try {
    const idle = await leastWhileIdle(target)
    await onConnections(CLIENTS, async () => {
      const wire = await greeted({ host: target.host, port: target.port })
      let sent = 0
      for (; sent < MESSAGES / CLIENTS; sent++) await deliver(wire, 'alice', Buffer.concat([mailOf(2_048, sent), END]))
      wire.close()
      return sent
    })
    const after = await leastWhileIdle(target)
    const megabytes = (octets: number): string => `${(octets / 1e6).toFixed(1)} MB`
    return { server, 'idle, resident': megabytes(idle), [MESSAGES_COLUMN]: megabytes(after) }
  } finally {
    await target.stop()
  }
}

async function commandHolding(): Promise<Record<string, string>> {
  const { args, port, remove } = await startCommand(true)
  try {
    return await holding('sealpost start, with messages', await spawnServer(process.execPath, args, port))
  } finally {
    remove()
  }
}

/** Measures the memory of an unused server, and what each idle TLS connection adds. */
async function measure(contender: Contender): Promise<{ idle: number; each: number }> {
  const target = await contender.start()
  const sockets: TLSSocket[] = []
  const open = async (count: number): Promise<number> => {
    for (let i = 0; i < count; i++) sockets.push(await greetedByTls(target))
    return collected(target)
  }
  try {
    const idle = Math.min(await collected(target), await leastWhileIdle(target))
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
    const { name, start } = keepingSmtpServer
    const kept = [await commandHolding(), ...(peer === 'none' ? [] : [await holding(name, await start())])]
    return [...rows, await commandIdle(), ...kept, await manyLabs()]
  },
}

/** Measures what remains after many labs were started and stopped in one process. */
async function manyLabs(): Promise<Record<string, string>> {
  const target = await forkServer('many-labs', { labs: LABS })
  await target.stop()
  return { server: `${LABS} labs, one after another`, 'idle, resident': target.note ?? '' }
}

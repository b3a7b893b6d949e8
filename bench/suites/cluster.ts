import { type BenchDatabase, type Content, type RunningLab, startAlone, startDatabase } from '../frame/cluster.ts'
import { mailOf } from '../frame/mail.ts'
import { median } from '../frame/measure.ts'
import { versionOf } from '../frame/processes.ts'
import { END } from '../frame/smtp.ts'
import type { BenchOptions, TableSuite, Target } from '../frame/types.ts'
import { LoadClient } from '../frame/wire.ts'

/** Clients at the same time, spread over the nodes. */
const CLIENTS = 12
const CONTENT: Content = { accounts: CLIENTS, messages: 1_000, folders: 10 }
const MAIL = Buffer.concat([mailOf(2_048), END])

/** What grows, and its sizes. `large`: sizes that need minutes and `--full`. */
const GROWTH = {
  messages: { sizes: [1_000, 10_000, 100_000], large: [1_000_000, 5_000_000] },
  folders: { sizes: [10, 1_000, 10_000], large: [100_000] },
  listeners: { sizes: [1, 100, 500], large: [2_000] },
} as const
type Axis = keyof typeof GROWTH

/** A client of one node, as `user0` to `user11`. */
interface Client {
  readonly number: number
  readonly target: Target
  readonly imap: LoadClient
  readonly smtp: LoadClient
}

/** An operation that clients repeat. */
interface Operation {
  readonly name: string
  run(client: Client, turn: number): Promise<unknown>
}

const ask = async (wire: LoadClient, command: string): Promise<void> => {
  await wire.ask(`t ${command}\r\n`, 't OK')
  await wire.until('\r\n')
}

async function deliver({ smtp }: Client, to: string): Promise<void> {
  await smtp.ask(`MAIL FROM:<bench@lab.test>\r\nRCPT TO:<${to}@lab.test>\r\nDATA\r\n`, '\r\n', 3)
  await smtp.ask(MAIL, '250 ')
  await smtp.until('\r\n')
}

async function imapOf(target: Target, user: string): Promise<LoadClient> {
  const wire = await LoadClient.open(target)
  await wire.until('\r\n')
  await ask(wire, `LOGIN ${user} secret`)
  return wire
}

/** Traffic of clients with mailboxes of their own. */
const traffic: readonly Operation[] = [
  {
    name: 'a message of 2 KB by SMTP, each to another account',
    run: (client) => deliver(client, `user${client.number}`),
  },
  { name: 'a message of 2 KB by SMTP, all to one account', run: (client) => deliver(client, 'user0') },
  {
    name: 'an IMAP4 session: log-on, SELECT, LOGOUT',
    async run({ target, number }) {
      const wire = await imapOf(target, `user${number}`)
      await ask(wire, 'SELECT INBOX')
      await wire.ask('t LOGOUT\r\n', 't OK')
      wire.close()
    },
  },
  {
    name: 'FETCH of one message of 2 KB',
    run: ({ imap }, turn) => ask(imap, `FETCH ${1 + (turn % 10)} BODY.PEEK[]`),
  },
  {
    name: 'STORE of one flag',
    run: ({ imap }, turn) => ask(imap, `STORE ${1 + (turn % 10)} ${turn % 20 < 10 ? '+' : '-'}FLAGS (\\Flagged)`),
  },
]

/** Operations of one client in the mailbox, or beside the folders and listeners, that grow. */
const growing: readonly Operation[] = [
  { name: 'SELECT', run: ({ imap }) => ask(imap, 'SELECT INBOX') },
  { name: 'STATUS', run: ({ imap }) => ask(imap, 'STATUS INBOX (MESSAGES UNSEEN SIZE)') },
  { name: 'FETCH of one message', run: ({ imap }, turn) => ask(imap, `FETCH ${1 + (turn % 100)} BODY.PEEK[]`) },
  { name: 'a message of 2 KB by SMTP', run: (client) => deliver(client, 'user0') },
]

async function openClients(lab: RunningLab, count: number): Promise<Client[]> {
  const clients: Client[] = []
  for (let number = 0; number < count; number++) {
    const target = lab.nodes[number % lab.nodes.length] as Target
    const smtp = await LoadClient.open({ host: target.host, port: target.smtpPort ?? 0 })
    await smtp.until('\r\n')
    await smtp.ask('EHLO bench.test\r\n', '\n250 ')
    await smtp.until('\r\n')
    const client = { number, target, smtp, imap: await imapOf(target, `user${number}`) }
    for (let i = 0; i < 10 && number > 0; i++) await deliver(client, `user${number}`)
    await ask(client.imap, 'SELECT INBOX')
    clients.push(client)
  }
  return clients
}

/** What an operation costs, and how many of them all clients together do. */
interface Cost {
  readonly perSecond: number
  readonly nodeMicros: number
  readonly databaseMicros: number
}

async function costOf(
  operation: Operation,
  lab: RunningLab,
  clients: readonly Client[],
  { rounds, roundMs }: BenchOptions,
): Promise<Cost> {
  const costs: Cost[] = []
  let turn = 0
  for (let round = 0; round <= rounds; round++) {
    const [before, from, begun] = [lab.used(), turn, performance.now()]
    const until = begun + roundMs
    await Promise.all(
      clients.map(async (client) => {
        while (performance.now() < until) await operation.run(client, turn++)
      }),
    )
    const [after, done, seconds] = [lab.used(), turn - from, (performance.now() - begun) / 1000]
    const micros = (part: 'nodes' | 'database'): number => ((after[part] - before[part]) * 1e6) / done
    const cost = { perSecond: done / seconds, nodeMicros: micros('nodes'), databaseMicros: micros('database') }
    // The first round is a warm-up.
    if (round > 0) costs.push(cost)
  }
  const middle = (key: keyof Cost): number => median(costs.map((cost) => cost[key]))
  return {
    perSecond: middle('perSecond'),
    nodeMicros: middle('nodeMicros'),
    databaseMicros: middle('databaseMicros'),
  }
}

type Row = Record<string, string>

const figure = (value: number): string => (value >= 100 ? String(Math.round(value)) : value.toPrecision(2))

const rowOf = (what: Row, { perSecond, nodeMicros, databaseMicros }: Cost): Row => ({
  ...what,
  'per second': figure(perSecond),
  'CPU µs of the nodes': figure(nodeMicros),
  'CPU µs of the database': databaseMicros === 0 ? '–' : figure(databaseMicros),
})

/** Measures operations in a lab, which it stops. */
async function measureIn(
  lab: RunningLab,
  {
    operations,
    clients: count,
    what,
    prepare,
  }: {
    readonly operations: readonly Operation[]
    readonly clients: number
    readonly what: (operation: string) => Row
    readonly prepare?: (lab: RunningLab) => Promise<readonly LoadClient[]>
  },
  options: BenchOptions,
): Promise<Row[]> {
  await using running = lab
  const others = (await prepare?.(running)) ?? []
  const clients = await openClients(running, count)
  const rows: Row[] = []
  for (const operation of operations) {
    if (!operation.name.includes(options.only ?? '')) continue
    const row = rowOf(what(operation.name), await costOf(operation, running, clients, options))
    // A run takes long: whoever ends it has seen what was measured.
    console.error(Object.values(row).join(', '))
    rows.push(row)
  }
  for (const wire of [...others, ...clients.flatMap(({ imap, smtp }) => [imap, smtp])]) wire.close()
  return rows
}

/** One node on LMDB, and one and three nodes on one database, with the same clients. */
async function measureTraffic(database: BenchDatabase, options: BenchOptions): Promise<Row[]> {
  const labs = [
    { store: 'LMDB', nodes: 1, start: () => startAlone(CONTENT) },
    ...[1, 3].map((nodes) => ({ store: 'PostgreSQL', nodes, start: () => database.lab(nodes, CONTENT) })),
  ]
  const rows: Row[] = []
  for (const { store, nodes, start } of labs) {
    const what = (operation: string): Row => ({
      operation,
      store,
      nodes: String(nodes),
      'what grows': 'nodes',
      size: String(nodes),
    })
    rows.push(...(await measureIn(await start(), { operations: traffic, clients: CLIENTS, what }, options)))
  }
  return rows
}

/** Two nodes on one database, with more and more of one thing. */
async function measureGrowth(database: BenchDatabase, axis: Axis, options: BenchOptions): Promise<Row[]> {
  const { sizes, large } = GROWTH[axis]
  const rows: Row[] = []
  for (const size of options.full ? [...sizes, ...large] : sizes) {
    const content = { ...CONTENT, ...(axis !== 'listeners' && { [axis]: size }) }
    const what = (operation: string): Row => ({
      operation,
      store: 'PostgreSQL',
      nodes: '2',
      'what grows': axis,
      size: size.toLocaleString('en'),
    })
    const prepare = (lab: RunningLab): Promise<LoadClient[]> => openListeners(lab, axis === 'listeners' ? size : 0)
    const lab = await database.lab(2, content)
    rows.push(...(await measureIn(lab, { operations: growing, clients: 1, what, prepare }, options)))
  }
  return rows
}

/** Opens clients of all nodes that wait in IDLE on the INBOX that receives messages. */
async function openListeners(lab: RunningLab, count: number): Promise<LoadClient[]> {
  const open: LoadClient[] = []
  for (let i = 0; i < count; i++) {
    const wire = await imapOf(lab.nodes[i % lab.nodes.length] as Target, 'user0')
    await ask(wire, 'SELECT INBOX')
    await wire.ask('i IDLE\r\n', '+ ')
    open.push(wire)
  }
  return open
}

export const suite: TableSuite = {
  kind: 'table',
  title: 'Nodes that share one PostgreSQL database, and one node on LMDB',
  program: () => `PostgreSQL ${versionOf('psql', '--version')}`,
  async measure(options) {
    await using database = await startDatabase()
    const rows = await measureTraffic(database, options)
    for (const axis of Object.keys(GROWTH) as Axis[]) rows.push(...(await measureGrowth(database, axis, options)))
    return rows
  },
}

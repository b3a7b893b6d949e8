import { setTimeout as wait } from 'node:timers/promises'
import { type BenchDatabase, type RunningLab, startAlone, startDatabase } from '../frame/cluster.ts'
import type { Content } from '../frame/cluster-content.ts'
import {
  ask,
  type Cost,
  costOf,
  delivery,
  growing,
  type Operation,
  openClients,
  reading,
  runTimes,
  traffic,
} from '../frame/cluster-load.ts'
import { CORES_OF_NODE, compareReplicas } from '../frame/cluster-replicas.ts'
import { whyNoLimit } from '../frame/cpu-quota.ts'
import { versionOf } from '../frame/processes.ts'
import type { BenchOptions, TableSuite, Target } from '../frame/types.ts'
import { type LoadClient, logOnByImap } from '../frame/wire.ts'

/** Clients of each node at the same time. With fewer, a node has less to do in one turn, and everything costs more. */
const CLIENTS = 12
const MAX_NODES = 3
/** Until a node has received about as many messages, each one costs less than the one before. */
const WARM_UP_DELIVERIES = 15_000
const CONTENT: Content = { accounts: CLIENTS * MAX_NODES, messages: 1_000, folders: 10 }

interface Growth {
  readonly sizes: readonly number[]
  readonly large: readonly number[]
  /** Only operations with this in their names. */
  readonly of?: string
}

/** The quantities that grow, with their sizes. `large`: sizes that need minutes and `--full`. */
const GROWTH = {
  messages: { sizes: [1_000, 100_000], large: [1_000_000, 5_000_000] },
  folders: { sizes: [10, 1_000], large: [100_000] },
  otherFolders: { sizes: [10_000], large: [100_000] },
  listeners: { sizes: [1, 100, 500], large: [2_000], of: 'SMTP' },
} as const satisfies Record<string, Growth>
type Axis = keyof typeof GROWTH

type Row = Record<string, string>

const figure = (value: number): string => (value >= 100 ? String(Math.round(value)) : value.toPrecision(2))

const rowOf = (what: Row, { perSecond, nodeMicros, databaseMicros }: Cost): Row => ({
  ...what,
  'per second': figure(perSecond),
  'CPU µs of the nodes': figure(nodeMicros),
  'CPU µs of the database': databaseMicros === 0 ? '–' : figure(databaseMicros),
})

/** Returns whether `--only` names an operation, or the part of the suite that it belongs to. */
const isWanted = ({ only = '' }: BenchOptions, part: string, operation = ''): boolean =>
  part.includes(only) || operation.includes(only)

/** Prints a row immediately: a run takes long, and one that is cancelled has shown what it measured. */
function said(row: Row): Row {
  console.error(Object.values(row).join(', '))
  return row
}

async function measureAll(
  lab: RunningLab,
  operations: readonly Operation[],
  what: (operation: string) => Row,
  {
    clients: count,
    messages,
    rounds,
    deliveries = 0,
  }: {
    readonly clients: number
    readonly messages: number
    readonly rounds: number
    /** Messages that each node receives before the first operation. */
    readonly deliveries?: number
  },
): Promise<Row[]> {
  const clients = await openClients(lab, count, messages)
  await runTimes(delivery, clients, deliveries * lab.nodes.length)
  const rows: Row[] = []
  for (const operation of operations) {
    rows.push(said(rowOf(what(operation.name), await costOf(operation, lab, clients, rounds))))
  }
  for (const wire of clients.flatMap(({ imap, smtp }) => [imap, smtp])) wire.close()
  return rows
}

/** One node on LMDB, and one to three nodes on one database, with twelve clients each. */
async function measureTraffic(database: BenchDatabase, options: BenchOptions): Promise<Row[]> {
  const operations = traffic.filter(({ name }) => isWanted(options, 'nodes', name))
  if (operations.length === 0) return []
  const labs = [
    { store: 'LMDB', nodes: 1, start: () => startAlone(CONTENT) },
    ...[1, 2, 3].map((nodes) => ({ store: 'PostgreSQL', nodes, start: () => database.lab(nodes, CONTENT) })),
  ]
  const rows: Row[] = []
  for (const { store, nodes, start } of labs) {
    await using lab = await start()
    const what = rowNamer(store, nodes, 'nodes', nodes)
    const { messages } = CONTENT
    const { rounds } = options
    const load = { clients: CLIENTS * nodes, messages, rounds, deliveries: WARM_UP_DELIVERIES }
    rows.push(...(await measureAll(lab, operations, what, load)))
  }
  return rows
}

const rowNamer =
  (store: string, nodes: number, axis: string, size: number) =>
  (operation: string): Row => ({
    operation,
    store,
    nodes: String(nodes),
    'what grows': axis,
    size: size.toLocaleString('en'),
  })

/** Two nodes on one database, with more and more of one thing. */
async function measureGrowth(database: BenchDatabase, axis: Axis, options: BenchOptions): Promise<Row[]> {
  const { sizes, large, of: some = '' }: Growth = GROWTH[axis]
  const operations = growing.filter(({ name }) => name.includes(some) && isWanted(options, axis, name))
  if (operations.length === 0) return []
  const rows: Row[] = []
  for (const size of options.full ? [...sizes, ...large] : sizes) {
    const content = { ...CONTENT, ...(axis !== 'listeners' && { [axis]: size }) }
    const what = rowNamer('PostgreSQL', 2, axis, size)
    await using lab = await database.lab(2, content)
    rows.push(...(await measureFirst(lab, what)))
    const listeners = await openListeners(lab, axis === 'listeners' ? size : 0)
    const { messages } = content
    rows.push(...(await measureAll(lab, operations, what, { clients: 1, messages, rounds: options.rounds })))
    for (const wire of listeners) wire.close()
  }
  return rows
}

const IDLE_SECONDS = 15

/** Measures what happens without clients and once on each node: its start, and the first SELECT of the mailbox, while another client waits. */
async function measureFirst(lab: RunningLab, what: (operation: string) => Row): Promise<Row[]> {
  const { seconds, nodes, database } = lab.started
  const start = { perSecond: 1 / seconds, nodeMicros: nodes * 1e6, databaseMicros: database * 1e6 }
  const [node] = lab.nodes as readonly [Target]
  const memory = async (): Promise<string> => {
    await node.collect?.()
    return `${Math.round(node.memoryOctets() / 2 ** 20)} MiB`
  }
  const rows = [said({ ...rowOf(what('start of a node'), start), 'memory of the node': await memory() })]
  const idle = lab.used()
  await wait(IDLE_SECONDS * 1_000)
  const perSecond = (part: 'nodes' | 'database'): number => ((lab.used()[part] - idle[part]) * 1e6) / IDLE_SECONDS
  const each = { perSecond: 1, nodeMicros: perSecond('nodes'), databaseMicros: perSecond('database') }
  rows.push(said(rowOf(what('a second without clients'), each)))
  const [wire, other] = [await logOnByImap(node, 'user0'), await logOnByImap(node, 'user1')]
  const [before, begun] = [lab.used(), performance.now()]
  let isDone = false
  const selected = ask(wire, 'SELECT INBOX').then(() => {
    isDone = true
  })
  let longest = 0
  while (!isDone) {
    const asked = performance.now()
    await ask(other, 'NOOP')
    longest = Math.max(longest, performance.now() - asked)
  }
  await selected
  const [after, took] = [lab.used(), (performance.now() - begun) / 1000]
  const micros = (part: 'nodes' | 'database'): number => (after[part] - before[part]) * 1e6
  const cost = { perSecond: 1 / took, nodeMicros: micros('nodes'), databaseMicros: micros('database') }
  const first = { ...rowOf(what('first SELECT on a node'), cost), 'memory of the node': await memory() }
  rows.push(said({ ...first, 'longest NOOP meanwhile': `${figure(longest)} ms` }))
  for (const one of [wire, other]) one.close()
  return rows
}

/** Measures how much a node without clients pays for each message that another node stores, apart from its idle time. */
async function measureHearing(database: BenchDatabase, { rounds }: BenchOptions): Promise<Row[]> {
  await using lab = await database.lab(2, CONTENT)
  const [, idle] = lab.nodes as readonly [Target, Target]
  const clients = await openClients({ ...lab, nodes: lab.nodes.slice(0, 1) }, CLIENTS, CONTENT.messages)
  const busy: Operation = { ...delivery, times: 5_000 }
  const costs: Cost[] = []
  for (let round = 0; round < rounds; round++) {
    const begun = { at: performance.now(), idle: idle.cpuSeconds() }
    const cost = await costOf(busy, lab, clients, 1)
    const used = { ms: performance.now() - begun.at, idle: idle.cpuSeconds() - begun.idle }
    const before = idle.cpuSeconds()
    await wait(used.ms)
    // The warm-up has as many for each node.
    const messages = busy.times * (lab.nodes.length + 1)
    costs.push({ ...cost, nodeMicros: ((used.idle - (idle.cpuSeconds() - before)) * 1e6) / messages })
  }
  for (const wire of clients.flatMap(({ imap, smtp }) => [imap, smtp])) wire.close()
  const what = rowNamer('PostgreSQL', 2, 'hearing', 2)
  return costs.map((cost) => said(rowOf(what('hearing of a message that another node stores'), cost)))
}

/** Opens clients of all nodes that wait in IDLE on the INBOX that receives messages. */
async function openListeners(lab: RunningLab, count: number): Promise<LoadClient[]> {
  const open: LoadClient[] = []
  for (let i = 0; i < count; i++) {
    const wire = await logOnByImap(lab.nodes[i % lab.nodes.length] as Target, 'user0')
    await ask(wire, 'SELECT INBOX')
    await wire.ask('i IDLE\r\n', '+ ')
    open.push(wire)
  }
  return open
}

/** One replica and three, each limited to the same part of a core. */
async function measureReplicas(database: BenchDatabase, { rounds }: BenchOptions): Promise<Row[]> {
  const why = whyNoLimit()
  if (why !== undefined) {
    console.error(`replicas are skipped, this process cannot limit the CPU time of others: ${why}`)
    return []
  }
  const results = await compareReplicas(database, [...reading, delivery], rounds)
  return results.map(({ operation, replicas, round: { perSecond, nodeCores, databaseCores } }) => {
    const what = rowNamer('PostgreSQL', replicas, `replicas with ${CORES_OF_NODE} of a core each`, replicas)
    const [nodeMicros, databaseMicros] = [(nodeCores * 1e6) / perSecond, (databaseCores * 1e6) / perSecond]
    return said(rowOf(what(operation), { perSecond, nodeMicros, databaseMicros }))
  })
}

export const suite: TableSuite = {
  kind: 'table',
  title: 'Nodes that share one PostgreSQL database, and one node on LMDB',
  program: () => `PostgreSQL ${versionOf('psql', '--version')}`,
  async measure(options) {
    await using database = await startDatabase()
    const rows = await measureTraffic(database, options)
    if (isWanted(options, 'hearing')) rows.push(...(await measureHearing(database, options)))
    for (const axis of Object.keys(GROWTH) as Axis[]) rows.push(...(await measureGrowth(database, axis, options)))
    if (isWanted(options, 'replicas')) rows.push(...(await measureReplicas(database, options)))
    return rows
  },
}

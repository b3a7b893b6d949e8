import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { mailOf } from '../frame/mail.ts'
import { median } from '../frame/measure.ts'
import { forkServer } from '../frame/processes.ts'
import { END, greeted, send } from '../frame/smtp.ts'
import type { BenchOptions, TableSuite, Target } from '../frame/types.ts'
import { LoadClient, logOnByImap } from '../frame/wire.ts'

/** The quantities that grow. Connections do nothing, or are in IDLE where nothing happens. Watchers are in IDLE on the mailbox that receives mail. */
const AXES = ['messages', 'folders', 'connections', 'connections in IDLE', 'watchers'] as const
type Axis = (typeof AXES)[number]

const SIZES: Readonly<Record<Axis, readonly number[]>> = {
  messages: [10, 1_000, 10_000, 100_000],
  folders: [10, 1_000, 10_000],
  connections: [1, 100, 1_000],
  'connections in IDLE': [1, 100, 1_000],
  watchers: [1, 10, 100, 1_000],
}
/** Further sizes, which take minutes and several GB of memory. */
const LARGE: Readonly<Record<Axis, readonly number[]>> = {
  messages: [1_000_000],
  folders: [100_000],
  connections: [10_000],
  'connections in IDLE': [10_000],
  watchers: [],
}
/** Where each kind of clients in IDLE waits. */
const WATCHED: Readonly<Partial<Record<Axis, string>>> = { 'connections in IDLE': 'Drafts', watchers: 'INBOX' }
const MEMORY = 'resident memory (MB)'
const WARM_UP_TURNS = 200

interface Session {
  readonly target: Target
  readonly size: number
  readonly imap: LoadClient
  /** A client of bob, who may read the INBOX of alice and has seen every message. */
  readonly reader: LoadClient
  readonly smtp: LoadClient
}

/** An operation whose cost is measured. `prepare` runs once before it. */
interface Operation {
  readonly name: string
  readonly axes: readonly Axis[]
  /** It is done once. The figure is in ms. */
  readonly once?: boolean
  readonly prepare?: (session: Session) => Promise<void>
  readonly run: (session: Session, turn: number) => Promise<void>
}

const ask = async (wire: LoadClient, command: string): Promise<void> => {
  await wire.ask(`t ${command}\r\n`, '\nt OK')
  await wire.until('\r\n')
}
const first = async (wire: LoadClient, command: string): Promise<void> => {
  await wire.ask(`t ${command}\r\n`, 't OK')
  await wire.until('\r\n')
}
const select = ({ imap }: Session): Promise<void> => ask(imap, 'SELECT INBOX')
const selectOther = ({ reader }: Session): Promise<void> => ask(reader, 'SELECT "Other Users/alice/INBOX"')
/** A uid anywhere in the folder. */
const uidOf = ({ size }: Session, turn: number): number => 1 + ((turn * 7_919) % size)
const MAIL = Buffer.concat([mailOf(2_048), END])

const operations: readonly Operation[] = [
  { name: 'the first SELECT (ms)', axes: ['messages'], once: true, run: select },
  { name: 'SELECT', axes: ['messages', 'folders'], run: select },
  { name: 'SELECT of another account’s mailbox', axes: ['messages'], run: selectOther },
  {
    name: 'STATUS',
    axes: ['messages', 'folders'],
    run: ({ imap }) => ask(imap, 'STATUS INBOX (MESSAGES UNSEEN SIZE)'),
  },
  {
    name: 'UID FETCH of one ENVELOPE',
    axes: ['messages'],
    prepare: select,
    run: (session, turn) => ask(session.imap, `UID FETCH ${uidOf(session, turn)} (ENVELOPE)`),
  },
  {
    name: 'UID STORE of one flag',
    axes: ['messages'],
    prepare: select,
    run: (session, turn) =>
      ask(session.imap, `UID STORE ${uidOf(session, turn)} ${turn % 2 ? '+' : '-'}FLAGS (\\Flagged)`),
  },
  {
    name: 'APPEND and NOOP in the selected mailbox',
    axes: ['messages'],
    prepare: select,
    async run({ imap }) {
      await ask(imap, 'APPEND INBOX {14+}\r\nSubject: one\r\n')
      await first(imap, 'NOOP')
    },
  },
  {
    name: 'UID EXPUNGE of one message',
    axes: ['messages'],
    prepare: select,
    async run(session, turn) {
      const uid = uidOf(session, turn)
      await first(session.imap, `UID STORE ${uid} +FLAGS.SILENT (\\Deleted)`)
      await first(session.imap, `UID EXPUNGE ${uid}`)
    },
  },
  {
    name: 'a message of 2 KB by SMTP',
    axes: AXES,
    run: ({ smtp }) => send(smtp, MAIL),
  },
  {
    name: 'CREATE and DELETE',
    axes: ['folders'],
    async run({ imap }) {
      await first(imap, 'CREATE new')
      await first(imap, 'DELETE new')
    },
  },
  { name: 'LIST of one folder', axes: ['folders'], run: ({ imap }) => first(imap, 'LIST "" f1') },
  { name: 'NOOP', axes: ['connections', 'connections in IDLE', 'watchers'], run: ({ imap }) => first(imap, 'NOOP') },
  { name: 'a POP3 session: log-on, STAT, QUIT', axes: ['messages'], run: ({ target }) => pop3(target) },
]

const operationsOf = (axis: Axis, { only = '' }: BenchOptions): Operation[] =>
  operations.filter(({ name, axes }) => axes.includes(axis) && name.includes(only))

async function pop3({ host, pop3Port }: Target): Promise<void> {
  const wire = await LoadClient.open({ host, port: pop3Port ?? 0 })
  await wire.until('\r\n')
  for (const command of ['USER alice', 'PASS secret', 'STAT', 'QUIT']) await wire.ask(`${command}\r\n`, '\r\n')
  wire.close()
}

/** Opens clients that do nothing, or wait in IDLE. */
async function openIdle(target: Target, axis: Axis, size: number): Promise<LoadClient[]> {
  const open: LoadClient[] = []
  if (axis === 'messages' || axis === 'folders') return open
  const watched = WATCHED[axis]
  for (let i = 0; i < size; i++) {
    // The loopback network has many addresses; each has its own ports.
    const wire = await LoadClient.open(target, `127.0.0.${2 + (i % 200)}`)
    await wire.until('\r\n')
    if (watched) await wire.ask(`l LOGIN bob secret\r\ns SELECT ${watched}\r\ni IDLE\r\n`, '+ ')
    open.push(wire)
  }
  return open
}

/** Returns the cost of each operation at one size: CPU µs of the server, or ms until the answer. */
async function costsAt(axis: Axis, size: number, store: string, options: BenchOptions): Promise<Map<string, number>> {
  const folder = store === 'lmdb' ? join(mkdtempSync(join(tmpdir(), 'sealpost-growth-')), 'data') : undefined
  const count = (which: Axis): number => (axis === which ? size : 10)
  const target = await forkServer('growth-lab', { folder, messages: count('messages'), folders: count('folders') })
  const idle = await openIdle(target, axis, size)
  const costs = new Map<string, number>()
  const session: Session = {
    target,
    size,
    imap: await logOnByImap(target),
    reader: await logOnByImap(target, 'bob'),
    smtp: await greeted({ host: target.host, port: target.smtpPort ?? 0 }),
  }
  try {
    await target.collect?.()
    costs.set(MEMORY, target.memoryOctets() / 1e6)
    for (const operation of operationsOf(axis, options)) {
      costs.set(operation.name, await costOf(operation, session, options))
    }
  } finally {
    for (const wire of [...idle, session.imap, session.reader, session.smtp]) wire.close()
    await target.stop()
    if (folder !== undefined) rmSync(dirname(folder), { recursive: true, force: true })
  }
  return costs
}

async function costOf(operation: Operation, session: Session, { rounds, roundMs }: BenchOptions): Promise<number> {
  await operation.prepare?.(session)
  if (operation.once) {
    const before = threadSeconds(session.target.pid ?? 0)
    await operation.run(session, 0)
    return (threadSeconds(session.target.pid ?? 0) - before) * 1000
  }
  let turn = 0
  const costs: number[] = []
  for (let round = 0; round <= rounds; round++) {
    const isWarmUp = round === 0
    // The garbage of other operations and of the warm-up is not a cost of this one.
    if (round === 1) await session.target.collect?.()
    const cpuBefore = threadSeconds(session.target.pid ?? 0)
    const from = turn
    // The warm-up is as long as all rounds: the server is new, and its code is slow until it was compiled.
    const [least, ms] = isWarmUp ? [WARM_UP_TURNS, rounds * roundMs] : [1, roundMs]
    for (const until = performance.now() + ms; performance.now() < until || turn - from < least; ) {
      await operation.run(session, ++turn)
    }
    if (!isWarmUp) costs.push(((threadSeconds(session.target.pid ?? 0) - cpuBefore) * 1e6) / (turn - from))
  }
  return median(costs)
}

/** Returns the CPU seconds that the threads of a process have used, to the nanosecond. proc_pid_schedstat(5). */
function threadSeconds(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  const ns = threads.map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0]),
  )
  return ns.reduce((sum, each) => sum + each, 0) / 1e9
}

const figure = (value: number | undefined): string =>
  value === undefined ? '' : value >= 100 ? String(Math.round(value)) : value.toPrecision(2)

const ALL_SIZES = [...new Set([...Object.values(SIZES), ...Object.values(LARGE)].flat())].sort((a, b) => a - b)
const columnOf = (size: number): string => `at ${size.toLocaleString('en')}`

export const suite: TableSuite = {
  kind: 'table',
  title: 'Growth: CPU µs of the server for one operation',
  async measure(options) {
    const rows: Record<string, string>[] = []
    for (const store of ['memory', 'lmdb']) {
      for (const axis of AXES) {
        const sizes = options.full ? [...SIZES[axis], ...LARGE[axis]] : SIZES[axis]
        if (!operationsOf(axis, options).length) continue
        const costs: Map<string, number>[] = []
        for (const size of sizes) costs.push(await costsAt(axis, size, store, options))
        for (const name of costs[0]?.keys() ?? []) {
          const values = costs.map((each) => each.get(name))
          rows.push({
            store,
            operation: name,
            'what grows': axis,
            ...Object.fromEntries(ALL_SIZES.map((size) => [columnOf(size), figure(values[sizes.indexOf(size)])])),
          })
        }
      }
    }
    // Without the columns of sizes that were not measured.
    const measured = ALL_SIZES.map(columnOf).filter((column) => rows.some((row) => row[column] !== ''))
    return rows.map(({ store = '', operation = '', 'what grows': grows = '', ...row }) => ({
      store,
      operation,
      'what grows': grows,
      ...Object.fromEntries(measured.map((column) => [column, row[column] ?? ''])),
    }))
  },
}

import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Postgres } from '../../test/support/postgres.ts'
import { mailOf } from '../frame/mail.ts'
import { median } from '../frame/measure.ts'
import { ProcessTree } from '../frame/proc.ts'
import { forkServer } from '../frame/processes.ts'
import { END, greeted, send } from '../frame/smtp.ts'
import type { BenchOptions, TableSuite, Target } from '../frame/types.ts'
import { type LoadClient, logOnByImap } from '../frame/wire.ts'

const MESSAGES = 2_000
const MAIL = Buffer.concat([mailOf(4_096), END])
const FETCHED = 100

/** What is measured. Returns the number of messages that were stored or read. */
interface Work {
  readonly name: string
  readonly run: (side: Side, untilMs: number) => Promise<number>
}

/** A lab with its messages in one kind of store, and the clients of the benchmark. */
interface Side {
  readonly store: 'LMDB' | 'PostgreSQL'
  readonly target: Target
  readonly imap: LoadClient
  readonly smtp: readonly LoadClient[]
  /** CPU seconds of the lab and of its database. */
  cpuSeconds(): number
  stop(): Promise<void>
}

const deliver = async (clients: readonly LoadClient[], untilMs: number): Promise<number> => {
  let messages = 0
  const one = async (client: LoadClient): Promise<void> => {
    for (; performance.now() < untilMs; messages++) await send(client, MAIL)
  }
  await Promise.all(clients.map(one))
  return messages
}

const fetch = async ({ imap }: Side, from: number, to: number, items: string): Promise<void> => {
  await imap.ask(`t UID FETCH ${from}:${to} ${items}\r\n`, '\nt OK')
  await imap.until('\r\n')
}

const works: readonly Work[] = [
  { name: 'SMTP, one client', run: ({ smtp }, until) => deliver(smtp.slice(0, 1), until) },
  { name: `SMTP, 16 clients`, run: ({ smtp }, until) => deliver(smtp, until) },
  {
    name: 'IMAP: FETCH BODY[] one by one',
    async run(side, until) {
      let messages = 0
      for (; performance.now() < until; messages++) {
        const uid = 1 + ((messages * 7_919) % MESSAGES)
        await fetch(side, uid, uid, '(BODY.PEEK[])')
      }
      return messages
    },
  },
  {
    name: `IMAP: FETCH FLAGS, ENVELOPE and BODY[] of ${FETCHED}`,
    async run(side, until) {
      let messages = 0
      for (; performance.now() < until; messages += FETCHED) {
        const from = 1 + (messages % (MESSAGES - FETCHED))
        await fetch(side, from, from + FETCHED - 1, '(FLAGS ENVELOPE BODY.PEEK[])')
      }
      return messages
    },
  },
]

async function open(store: Side['store'], postgres: Postgres): Promise<Side> {
  const place =
    store === 'LMDB'
      ? { folder: join(mkdtempSync(join(tmpdir(), 'sealpost-stores-')), 'data') }
      : { postgres: postgres.url }
  const target = await forkServer('growth-lab', { ...place, messages: MESSAGES, folders: 10 })
  const tree = store === 'LMDB' ? undefined : new ProcessTree(postgres.pid)
  const imap = await logOnByImap(target)
  await imap.ask('s SELECT INBOX\r\n', '\ns OK')
  await imap.until('\r\n')
  const smtpAt = { host: target.host, port: target.smtpPort ?? 0 }
  const smtp = await Promise.all(Array.from({ length: 16 }, () => greeted(smtpAt)))
  return {
    store,
    target,
    imap,
    smtp,
    cpuSeconds: () => target.cpuSeconds() + (tree?.cpuSeconds() ?? 0),
    async stop() {
      for (const client of [imap, ...smtp]) client.close()
      tree?.stop()
      await target.stop()
    },
  }
}

interface Cost {
  readonly cpu: number
  readonly time: number
}

async function costOf(work: Work, side: Side, roundMs: number): Promise<Cost> {
  const [cpuBefore, before] = [side.cpuSeconds(), performance.now()]
  const messages = await work.run(side, before + roundMs)
  return {
    cpu: ((side.cpuSeconds() - cpuBefore) * 1e6) / messages,
    time: ((performance.now() - before) * 1e3) / messages,
  }
}

/** Returns the costs of a work on both sides, whose rounds alternate. */
async function measure(work: Work, sides: readonly Side[], { rounds, roundMs }: BenchOptions): Promise<Cost[]> {
  const costs = sides.map((): Cost[] => [])
  for (let round = 0; round <= rounds; round++) {
    for (const [i, side] of sides.entries()) {
      const cost = await costOf(work, side, roundMs)
      // The first round is a warm-up.
      if (round > 0) costs[i]?.push(cost)
    }
  }
  return costs.map((each) => ({
    cpu: median(each.map(({ cpu }) => cpu)),
    time: median(each.map(({ time }) => time)),
  }))
}

export const suite: TableSuite = {
  kind: 'table',
  title: 'Stores: cost of one message of 4 KB in LMDB and in PostgreSQL (µs)',
  async measure(options) {
    // Nothing else keeps this process running while PostgreSQL ends.
    const awake = setInterval(() => {}, 60_000)
    try {
      await using postgres = await Postgres.start({ fsync: true })
      return await compare(postgres, options)
    } finally {
      clearInterval(awake)
    }
  },
}

async function compare(postgres: Postgres, options: BenchOptions): Promise<Record<string, string>[]> {
  const sides = [await open('LMDB', postgres), await open('PostgreSQL', postgres)]
  const rows: Record<string, string>[] = []
  try {
    for (const work of works.filter(({ name }) => name.includes(options.only ?? ''))) {
      const [lmdb, shared] = (await measure(work, sides, options)) as [Cost, Cost]
      rows.push({
        work: work.name,
        'CPU, LMDB': lmdb.cpu.toFixed(0),
        'CPU, PostgreSQL': shared.cpu.toFixed(0),
        'CPU ratio': (shared.cpu / lmdb.cpu).toFixed(1),
        'time, LMDB': lmdb.time.toFixed(0),
        'time, PostgreSQL': shared.time.toFixed(0),
        'time ratio': (shared.time / lmdb.time).toFixed(1),
      })
    }
  } finally {
    for (const side of sides) await side.stop()
  }
  return rows
}

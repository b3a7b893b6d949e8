import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Postgres } from '../../support/postgres.ts'
import { mailOf } from '../frame/mail.ts'
import { median } from '../frame/measure.ts'
import { ProcessTree } from '../frame/proc.ts'
import { forkServer } from '../frame/processes.ts'
import { END, greeted, send } from '../frame/smtp.ts'
import type { BenchOptions, TableSuite, Target } from '../frame/types.ts'
import { LoadClient, logOnByImap } from '../frame/wire.ts'

/** Messages that are read again and again. */
const MESSAGES = 2_000
/** Messages that a round reads for the first time. */
const COLD = 2_000
const MAIL = Buffer.concat([mailOf(4_096), END])
const FETCHED = 100
/** Every fifth message is read where not all are. */
const SPARSE = 5

/** A measured task. Returns the number of messages that were stored or read. */
interface Work {
  readonly name: string
  readonly run: (side: Side, untilMs: number) => Promise<number>
}

/** Reads messages that the lab has not read since it started. */
interface ColdWork {
  readonly name: string
  /** Where the messages are: their numbers are uids, POP3's numbers, or the numbers of articles. */
  readonly place: 'inbox' | 'newsgroup'
  /** Reads every message of a range, or the first of as many. */
  readonly every?: number
  readonly run: (side: Side, from: number, to: number) => Promise<void>
}

/** A lab with its messages in one kind of store, and the clients of the benchmark. */
interface Side {
  readonly store: 'LMDB' | 'PostgreSQL'
  readonly target: Target
  readonly imap: LoadClient
  readonly pop3: LoadClient
  readonly nntp: LoadClient
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

/** Calls `read` with the first and the last number of parts of a range. */
async function inParts(from: number, to: number, size: number, read: (from: number, to: number) => Promise<void>) {
  for (let at = from; at <= to; at += size) await read(at, Math.min(to, at + size - 1))
}

const coldWorks: readonly ColdWork[] = [
  {
    name: `IMAP, unread before: ENVELOPE of ${FETCHED}`,
    place: 'inbox',
    run: (side, from, to) => inParts(from, to, FETCHED, (a, b) => fetch(side, a, b, '(FLAGS ENVELOPE)')),
  },
  {
    name: `IMAP, unread before: BODY[] of ${FETCHED}`,
    place: 'inbox',
    run: (side, from, to) => inParts(from, to, FETCHED, (a, b) => fetch(side, a, b, '(BODY.PEEK[])')),
  },
  {
    name: 'IMAP, unread before: BODY[] of every fifth',
    place: 'inbox',
    every: SPARSE,
    async run({ imap }, from, to) {
      await inParts(from, to, SPARSE * FETCHED, async (a, b) => {
        const uids = Array.from({ length: Math.ceil((b - a + 1) / SPARSE) }, (_, i) => a + i * SPARSE)
        await imap.ask(`t UID FETCH ${uids.join(',')} (BODY.PEEK[])\r\n`, '\nt OK')
        await imap.until('\r\n')
      })
    },
  },
  {
    name: 'IMAP, unread before: BODY[] one after the other',
    place: 'inbox',
    run: (side, from, to) => inParts(from, to, 1, (a, b) => fetch(side, a, b, '(BODY.PEEK[])')),
  },
  {
    name: 'IMAP, unread before: SEARCH TEXT',
    place: 'inbox',
    async run({ imap }, from, to) {
      await imap.ask(`t UID SEARCH UID ${from}:${to} TEXT absent\r\n`, '\nt OK')
      await imap.until('\r\n')
    },
  },
  {
    name: 'POP3, unread before: RETR one after the other',
    place: 'inbox',
    run: ({ pop3 }, from, to) => inParts(from, to, 1, (a) => pop3.ask(`RETR ${a}\r\n`, '\r\n.\r\n')),
  },
  {
    name: 'NNTP, unread before: OVER of 500',
    place: 'newsgroup',
    run: ({ nntp }, from, to) => inParts(from, to, 500, (a, b) => nntp.ask(`OVER ${a}-${b}\r\n`, '\r\n.\r\n')),
  },
]

async function open(store: Side['store'], postgres: Postgres, { rounds }: BenchOptions): Promise<Side> {
  const place =
    store === 'LMDB'
      ? { folder: join(mkdtempSync(join(tmpdir(), 'sealpost-stores-')), 'data') }
      : { postgres: postgres.url }
  const isIn = (place: ColdWork['place']): number => coldWorks.filter((work) => work.place === place).length
  const target = await forkServer('growth-lab', {
    ...place,
    messages: MESSAGES + isIn('inbox') * (rounds + 1) * COLD,
    octets: 4_096,
    folders: 10,
    articles: isIn('newsgroup') * (rounds + 1) * COLD,
  })
  const tree = store === 'LMDB' ? undefined : new ProcessTree(postgres.pid)
  const imap = await logOnByImap(target)
  await imap.ask('s SELECT INBOX\r\n', '\ns OK')
  await imap.until('\r\n')
  const { host, pop3Port = 0, nntpPort = 0 } = target
  const pop3 = await LoadClient.open({ host, port: pop3Port })
  await pop3.until('\r\n')
  await pop3.ask('USER alice\r\n', '\r\n')
  await pop3.ask('PASS secret\r\n', '\r\n')
  const nntp = await LoadClient.open({ host, port: nntpPort })
  await nntp.until('\r\n')
  await nntp.ask('GROUP bench.read\r\n', '211 ')
  await nntp.until('\r\n')
  const smtpAt = { host: target.host, port: target.smtpPort ?? 0 }
  const smtp = await Promise.all(Array.from({ length: 16 }, () => greeted(smtpAt)))
  return {
    store,
    target,
    imap,
    pop3,
    nntp,
    smtp,
    cpuSeconds: () => target.cpuSeconds() + (tree?.cpuSeconds() ?? 0),
    async stop() {
      for (const client of [imap, pop3, nntp, ...smtp]) client.close()
      tree?.stop()
      await target.stop()
    },
  }
}

interface Cost {
  readonly cpu: number
  readonly time: number
}

/** @param work returns the number of messages */
async function costOf(side: Side, work: () => Promise<number>): Promise<Cost> {
  const [cpuBefore, before] = [side.cpuSeconds(), performance.now()]
  const messages = await work()
  return {
    cpu: ((side.cpuSeconds() - cpuBefore) * 1e6) / messages,
    time: ((performance.now() - before) * 1e3) / messages,
  }
}

/** Runs one round of a work. Returns the number of messages. */
type Round = (side: Side, round: number) => Promise<number>

/** Returns the costs of a work on both sides, whose rounds alternate. */
async function measure(run: Round, sides: readonly Side[], rounds: number): Promise<Cost[]> {
  const costs = sides.map((): Cost[] => [])
  for (let round = 0; round <= rounds; round++) {
    for (const [i, side] of sides.entries()) {
      const cost = await costOf(side, () => run(side, round))
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

/** Returns what is measured, by its name. */
function roundsOf({ rounds, roundMs }: BenchOptions): ReadonlyMap<string, Round> {
  const all = new Map<string, Round>()
  for (const { name, run } of works) all.set(name, (side) => run(side, performance.now() + roundMs))
  // Each round of each work has its own messages.
  const next = { inbox: MESSAGES + 1, newsgroup: 1 }
  for (const { name, place, every = 1, run } of coldWorks) {
    const first = next[place]
    next[place] += (rounds + 1) * COLD
    all.set(name, async (side, round) => {
      const from = first + round * COLD
      await run(side, from, from + COLD - 1)
      return COLD / every
    })
  }
  return all
}

async function compare(postgres: Postgres, options: BenchOptions): Promise<Record<string, string>[]> {
  const sides = [await open('LMDB', postgres, options), await open('PostgreSQL', postgres, options)]
  const rows: Record<string, string>[] = []
  try {
    for (const [name, run] of roundsOf(options)) {
      if (!name.includes(options.only ?? '')) continue
      const [lmdb, shared] = (await measure(run, sides, options.rounds)) as [Cost, Cost]
      rows.push({
        work: name,
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

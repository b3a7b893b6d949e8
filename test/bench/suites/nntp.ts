import { randomBytes } from 'node:crypto'
import { inn } from '../contenders/inn.ts'
import { lab } from '../contenders/lab.ts'
import type { Contender, RateSuite, Target, Workload } from '../frame/types.ts'
import { LoadClient } from '../frame/wire.ts'

/** Articles in the group that is read from. */
const ARTICLES = 10_000
const BATCH = 100
const READ = 'bench.read'
const WRITTEN = 'bench.written'

let count = 0
const run = randomBytes(4).toString('hex')

/** Returns an article of about 1 KB with a unique Message-ID. A `relayed` one has the headers that a peer must send. */
function articleOf(group: string, relayed: boolean): { readonly id: string; readonly raw: Buffer } {
  const id = `<${++count}.${run}@bench.test>`
  const head = [
    ...(relayed ? ['Path: bench.test!not-for-mail', 'Date: Thu, 01 Jan 2026 00:00:00 +0000'] : []),
    'From: Alice <alice@lab.test>',
    `Newsgroups: ${group}`,
    `Subject: Article ${count}`,
    `Message-ID: ${id}`,
  ]
  const body = 'The quick brown fox jumps over the lazy dog and runs on, to be read by all.\r\n'.repeat(10)
  return { id, raw: Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}.\r\n`, 'latin1') }
}

async function transit(target: Target): Promise<LoadClient> {
  const wire = await LoadClient.open(target)
  await wire.until('\r\n')
  return wire
}

async function reader(target: Target): Promise<LoadClient> {
  const wire = await transit(target)
  await wire.ask('MODE READER\r\n', '200 ')
  await wire.until('\r\n')
  return wire
}

const takethis = (group: string): Buffer => {
  const { id, raw } = articleOf(group, true)
  return Buffer.concat([Buffer.from(`TAKETHIS ${id}\r\n`), raw])
}

async function stream(wire: LoadClient, group: string): Promise<void> {
  await wire.ask(Buffer.concat(Array.from({ length: BATCH }, () => takethis(group))), '239 <', BATCH)
}

/** Adds a group to the server that a feed has filled. */
const filled = (contender: Contender): Contender => ({
  ...contender,
  async start() {
    const { reset: _, ...target } = await contender.start()
    const wire = await transit(target)
    for (let done = 0; done < ARTICLES; done += BATCH) await stream(wire, READ)
    wire.close()
    return target
  },
})

const posting: Workload = {
  name: 'POST of 1 KB, one after another',
  unit: 'articles',
  async run(target, untilMs) {
    const wire = await reader(target)
    let done = 0
    for (; performance.now() < untilMs; done++) {
      await wire.ask('POST\r\n', '340 ')
      await wire.until('\r\n')
      await wire.ask(articleOf(WRITTEN, false).raw, '240 ')
      await wire.until('\r\n')
    }
    wire.close()
    return done
  },
}

const streaming: Workload = {
  name: `TAKETHIS of 1 KB, ${BATCH} at a time`,
  unit: 'articles',
  async run(target, untilMs) {
    const wire = await transit(target)
    let done = 0
    for (; performance.now() < untilMs; done += BATCH) await stream(wire, WRITTEN)
    wire.close()
    return done
  },
}

/** Repeats commands on the filled group. */
const reading = (
  name: string,
  unit: string,
  units: number,
  command: string,
  pattern: string,
  times: number,
): Workload => ({
  name,
  unit,
  async run(target, untilMs) {
    const wire = await reader(target)
    await wire.ask(`GROUP ${READ}\r\n`, '211 ')
    await wire.until('\r\n')
    let done = 0
    for (; performance.now() < untilMs; done += units) await wire.ask(command, pattern, times)
    wire.close()
    return done
  },
})

const articles = Array.from({ length: BATCH }, (_, i) => `ARTICLE ${i + 1}\r\n`).join('')

export const suite: RateSuite = {
  kind: 'rates',
  title: 'NNTP',
  contenders: [
    filled(
      lab({
        protocol: 'nntp',
        newsgroups: [{ name: READ }, { name: WRITTEN, keep: { count: 20_000 } }],
        feeds: [{ peer: 'bench.test', direction: 'in', from: ['127.0.0.1'] }],
      }),
    ),
    filled(inn([READ, WRITTEN])),
  ],
  workloads: [
    posting,
    streaming,
    reading(`OVER of ${ARTICLES} articles`, 'lines', ARTICLES, 'OVER 1-\r\n', '\r\n.\r\n', 1),
    reading(`ARTICLE of 1 KB, ${BATCH} pipelined`, 'articles', BATCH, articles, '\r\n.\r\n', BATCH),
    reading('GROUP', 'commands', 1, `GROUP ${READ}\r\n`, `${READ}\r\n`, 1),
  ],
}

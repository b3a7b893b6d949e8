import { lab } from '../contenders/lab.ts'
import { inboxOf } from '../frame/inbox.ts'
import { median } from '../frame/measure.ts'
import type { TableSuite, Target } from '../frame/types.ts'
import { type LoadClient, logOnByImap } from '../frame/wire.ts'

/** Messages that arrive before each list. */
const MESSAGES = 10_000
const LISTS = 3
const BATCH = 100
const ITEMS = '(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)'

async function fill(wire: LoadClient, mails: readonly Buffer[]): Promise<void> {
  for (let from = 0; from < mails.length; from += BATCH) {
    const commands = mails
      .slice(from, from + BATCH)
      .flatMap((raw) => [Buffer.from(`a APPEND INBOX {${raw.length}+}\r\n`), raw, Buffer.from('\r\n')])
    await wire.ask(Buffer.concat(commands), 'a OK', BATCH)
  }
}

/** Returns the CPU time of a command in microseconds. */
async function costOf(target: Target, wire: LoadClient, command: string): Promise<number> {
  const before = target.cpuSeconds()
  await wire.ask(`f ${command}\r\n`, 'f OK')
  await wire.until('\r\n')
  return (target.cpuSeconds() - before) * 1e6
}

/** Returns the cost of each list for one message. The server is new, and compiles its code while it works. */
async function listsOf(mails: readonly Buffer[]): Promise<Map<string, number>> {
  const target = await lab({ protocol: 'imap4' }).start()
  const costs = new Map<string, number>()
  try {
    const wire = await logOnByImap(target)
    for (let list = 1; list <= LISTS; list++) {
      await fill(wire, mails)
      await wire.ask('s SELECT INBOX\r\n', 's OK')
      await wire.until('\r\n')
      const [first, last] = [(list - 1) * MESSAGES + 1, list * MESSAGES]
      const inMailbox = `${last.toLocaleString('en')} in the mailbox: `
      for (const what of ['the 10,000 new ones', 'the same again'])
        costs.set(inMailbox + what, (await costOf(target, wire, `FETCH ${first}:${last} ${ITEMS}`)) / MESSAGES)
      costs.set(`${inMailbox}all`, (await costOf(target, wire, `FETCH 1:* ${ITEMS}`)) / last)
    }
    wire.close()
  } finally {
    await target.stop()
  }
  return costs
}

export const suite: TableSuite = {
  kind: 'table',
  title: `FETCH ${ITEMS}: CPU time for one message in µs`,
  async measure({ rounds }) {
    const mails = inboxOf(MESSAGES)
    const found = new Map<string, number[]>()
    for (let round = 0; round < rounds; round++) {
      for (const [what, cost] of await listsOf(mails)) found.set(what, [...(found.get(what) ?? []), cost])
    }
    return [...found].map(([messages, costs]) => ({
      messages,
      median: median(costs).toFixed(1),
      'least to most': `${Math.min(...costs).toFixed(1)} to ${Math.max(...costs).toFixed(1)}`,
    }))
  },
}

import { dovecot } from '../contenders/dovecot.ts'
import { lab } from '../contenders/lab.ts'
import type { BenchOptions, Contender, TableSuite, Target } from '../frame/types.ts'
import { logOnByImap } from '../frame/wire.ts'

const APPENDS = 200
const contenders: readonly Contender[] = [lab({ protocol: 'imap4' }), dovecot({ protocol: 'imap', messages: [] })]

/** Returns the milliseconds from the tagged OK of an APPEND until another session in IDLE receives EXISTS; 0 if EXISTS came first. */
async function delays(target: Target, untilMs: number): Promise<number[]> {
  const [writer, watcher] = [await logOnByImap(target), await logOnByImap(target)]
  await watcher.ask('s SELECT INBOX\r\n', 's OK')
  await watcher.until('\r\n')
  await watcher.ask('i IDLE\r\n', '+ ')
  await watcher.until('\r\n')
  const found: number[] = []
  while (found.length < APPENDS && performance.now() < untilMs) {
    let receivedAt = 0
    const received = watcher.until('EXISTS\r\n').then(() => {
      receivedAt = performance.now()
    })
    await writer.ask('a APPEND INBOX {14+}\r\nSubject: one\r\n\r\n', 'a OK')
    const storedAt = performance.now()
    await received
    found.push(Math.max(0, receivedAt - storedAt))
  }
  for (const wire of [writer, watcher]) wire.close()
  return found.sort((a, b) => a - b)
}

const at = (sorted: readonly number[], share: number): string =>
  `${(sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN).toFixed(2)} ms`

export const suite: TableSuite = {
  kind: 'table',
  title: 'IMAP4 IDLE: from the OK of an APPEND until another session receives EXISTS',
  async measure({ peer, rounds, roundMs }: BenchOptions) {
    const rows: Record<string, string>[] = []
    for (const [i, { name, missing, start }] of contenders.entries()) {
      if (missing?.() !== undefined || (i > 0 && peer !== undefined && !name.includes(peer))) continue
      const target = await start()
      const found = await delays(target, performance.now() + rounds * roundMs)
      await target.stop()
      rows.push({
        server: name,
        appends: `${found.length}`,
        median: at(found, 0.5),
        '95th percentile': at(found, 0.95),
      })
    }
    return rows
  },
}

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runToEnd } from '../../../src/core/time/time-slice.ts'
import { checkMessage } from '../../../src/mail/checks/checks.ts'
import { readable, VIEW_CHARS } from '../../../src/mail/format/readable.ts'
import type { TableSuite } from '../frame/types.ts'

const ROUNDS = 5

/** Returns how long the checks of a message take, in milliseconds: the shortest of some rounds. */
function timeOf(raw: Buffer): number {
  const times = Array.from({ length: ROUNDS }, () => {
    const before = performance.now()
    const message = readable(raw)
    runToEnd(message.linksInSteps())
    const html = (message.html ?? '').slice(0, VIEW_CHARS)
    runToEnd(checkMessage({ message, html, authentication: null }))
    return performance.now() - before
  })
  return Math.min(...times)
}

/** Measures the checks of a message on real mail, with its parsing. */
export const suite: TableSuite = {
  kind: 'table',
  title: 'Checks of a message: time for each message of SEALPOST_CORPUS, in milliseconds',
  async measure() {
    const folder = process.env.SEALPOST_CORPUS
    if (!folder) throw new Error('SEALPOST_CORPUS is not set; name a folder of .eml files')
    const names = readdirSync(folder).filter((name) => name.endsWith('.eml'))
    const times = names.map((name) => timeOf(readFileSync(join(folder, name)))).sort((a, b) => a - b)
    const at = (share: number): string => (times[Math.ceil(share * times.length) - 1] ?? 0).toFixed(1)
    return [{ messages: `${names.length}`, median: at(0.5), '95 percent': at(0.95), longest: at(1) }]
  },
}

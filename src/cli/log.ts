import pino, { type Logger } from 'pino'
import type { StoreLog } from '../pki/certificate-store/store.ts'
import { note, shown } from './output.ts'

/** The lab's log on standard error: JSON lines, or short lines where a person reads. */
export function createLog(level: string, json: boolean): Logger {
  const forPeople = process.stderr.isTTY && !json
  return pino(
    { level, base: null },
    forPeople ? { write: (line) => process.stderr.write(short(line)) } : pino.destination({ dest: 2, sync: true }),
  )
}

/** `12:34:56 info  session ended  protocol=imap4 user=alice`. */
function short(line: string): string {
  const { level, time, msg, err, ...facts } = JSON.parse(line) as Record<string, unknown>
  const label = pino.levels.labels[level as number] ?? ''
  const clock = new Date(time as number).toTimeString().slice(0, 8)
  const more = Object.entries(facts).map(
    ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  const why = err === undefined ? '' : ` ${(err as { message?: string }).message ?? ''}`
  return `${shown(`${clock} ${label.padEnd(5)} ${String(msg ?? '')}${why}${more.join('')}`)}\n`
}

/** For commands that only look at the store: what it has to report goes to standard error, its diary nowhere. */
export const silentStoreLog: StoreLog = {
  info: () => {},
  warn: (_, message) => note(`warning: ${message}`),
  error: (_, message) => note(`warning: ${message}`),
}

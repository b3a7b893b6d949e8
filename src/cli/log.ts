import pino, { type Logger } from 'pino'
import type { StoreLog } from '../pki/types.ts'
import { noteWarning, styled } from './output.ts'

/** Creates the log on standard error: JSON lines with `--json`, otherwise a short text for each event. */
export function createLog(level: string, json: boolean): Logger {
  const destination = pino.destination({ dest: 2, sync: true })
  const text = { write: (line: string) => destination.write(textLine(line)) }
  return pino({ level, base: null }, json ? destination : text)
}

const styles: Readonly<Record<string, 'dim' | 'yellow' | 'red'>> = {
  trace: 'dim',
  debug: 'dim',
  warn: 'yellow',
  error: 'red',
  fatal: 'red',
}

/** Formats an event as `12:34:56 info  session ended  protocol=imap4 user=alice`. A log file has date and time in UTC. */
function textLine(line: string): string {
  const { level, time, msg, err, ...facts } = JSON.parse(line) as Record<string, unknown>
  const label = pino.levels.labels[level as number] ?? ''
  const date = new Date(time as number)
  const clock = process.stderr.isTTY ? date.toTimeString().slice(0, 8) : date.toISOString()
  const more = Object.entries(facts).map(
    ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  const why = err === undefined ? '' : ` ${(err as { message?: string }).message ?? ''}`
  const text = `${clock} ${label.padEnd(5)} ${String(msg ?? '')}${why}${more.join('')}`
  return `${styled(text.replaceAll('\n', ' '), styles[label], process.stderr)}\n`
}

/** The log of commands that read the certificate store: warnings go to standard error, the rest is dropped. */
export const quietStoreLog: StoreLog = {
  info: () => {},
  warn: (_, message) => noteWarning(message),
  error: (_, message) => noteWarning(message),
}

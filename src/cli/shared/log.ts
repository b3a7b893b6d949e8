import pino, { type Logger } from 'pino'
import type { StoreLog } from '../../tls/pki/types.ts'
import { noteWarning, styleLine } from './output.ts'

/**
 * Creates the log on standard error: JSON lines with `--json`, otherwise a short text for each event.
 * @param leavesOutSessions whether the text has no lines about sessions that ended
 */
export function createLog(level: string, json: boolean, leavesOutSessions = false): Logger {
  const destination = pino.destination({ dest: 2, sync: true })
  const write = (line: string): void => {
    if (!leavesOutSessions || !line.includes(ENDED)) destination.write(textLine(line))
  }
  const text = { write }
  return pino({ level, base: null }, json ? destination : text)
}

/** Begins the line of the log about a session, as JSON. */
const ENDED = '"msg":"session ended: '

/** How a terminal shows lines, by their level. */
export const logStyles: Readonly<Record<string, 'dim' | 'yellow' | 'red'>> = {
  trace: 'dim',
  debug: 'dim',
  warn: 'yellow',
  error: 'red',
  fatal: 'red',
}

/** Formats a line of the log of this process. */
function textLine(line: string): string {
  const { level, time, msg, ...facts } = JSON.parse(line) as Record<string, unknown>
  const label = pino.levels.labels[level as number] ?? ''
  const text = logText({ level: label, at: time as number, message: String(msg ?? ''), facts }, process.stderr)
  return `${styleLine(text, logStyles[label], process.stderr)}\n`
}

/** Formats a line of the log as `12:34:56 info  session ended  protocol=imap4 user=alice`. A log file has date and time in UTC. */
export function logText({ level, at, message, facts: { err, ...facts } }: LogText, stream: NodeJS.WriteStream): string {
  const date = new Date(at)
  const clock = stream.isTTY ? date.toTimeString().slice(0, 8) : date.toISOString()
  const more = Object.entries(facts).map(
    ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  const why = err === undefined ? '' : `: ${(err as { message?: string }).message ?? ''}`
  return `${clock} ${level.padEnd(5)} ${message}${why}${more.join('')}`.replaceAll('\n', ' ')
}

interface LogText {
  readonly level: string
  /** Milliseconds since the epoch, or RFC 3339. */
  readonly at: number | string
  readonly message: string
  readonly facts: Readonly<Record<string, unknown>>
}

/** The log of commands that read the certificate store: warnings go to standard error, the rest is dropped. */
export const quietStoreLog: StoreLog = {
  info: () => {},
  warn: (_, message) => noteWarning(message),
  error: (_, message) => noteWarning(message),
}

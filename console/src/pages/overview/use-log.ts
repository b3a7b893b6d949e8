import { useEffect, useState } from 'preact/hooks'
import { call, type InputOf, type OutputOf } from '../../api/client.ts'
import type { Problem } from '../../api/problem.ts'
import { useLive } from '../../api/use-live.ts'
import { urlOf } from '../../base.ts'

export type LogLine = OutputOf<'log.list'>['items'][number]
export type Level = NonNullable<InputOf<'log.list'>['level']>

export const levels: readonly Level[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal']

interface LogFilter {
  /** The lowest level of the lines. */
  readonly level: Level
  /** Words that all occur. */
  readonly query: string
}

/** Lines in a burst are shown together. */
const GATHER_MS = 200

interface Log {
  /** The newest first. */
  readonly lines: readonly LogLine[] | undefined
  /** Lines that are not read yet. */
  readonly rest: number
  readonly problem: Problem | undefined
  readonly again: () => Promise<void>
}

/**
 * Reads the latest lines of the log, and follows it while the page is seen.
 * @param limit how many lines to read
 */
export function useLog(filter: LogFilter, limit: number): Log {
  const { level, query } = filter
  const [added, setAdded] = useState<readonly LogLine[]>([])
  const { value, problem, again } = useLive(
    () => call('log.list', { level, query, limit }),
    () => false,
    JSON.stringify([level, query, limit]),
  )
  useEffect(
    () =>
      followLog(
        () => void again(),
        (lines) => setAdded((before) => [...lines, ...before].slice(0, limit)),
      ),
    [again, limit],
  )
  const listed = new Set(value?.items.map(({ id }) => id))
  const fresh = added.filter((line) => !listed.has(line.id) && matches(line, filter))
  const lines = value && [...fresh, ...value.items].slice(0, limit)
  return { lines, rest: value ? value.total - value.items.length : 0, problem, again }
}

/**
 * Follows the log while the page is seen. A stream holds one of the few connections that a browser opens to a host.
 * @param onOpen called each time the stream begins: lines before it may be missing
 * @param onLines called with further lines, the newest first
 * @returns ends it
 */
function followLog(onOpen: () => void, onLines: (lines: readonly LogLine[]) => void): () => void {
  let gathered: LogLine[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  const add = (line: LogLine): void => {
    gathered.unshift(line)
    timer ??= setTimeout(() => {
      timer = undefined
      onLines(gathered)
      gathered = []
    }, GATHER_MS)
  }
  let source: EventSource | undefined
  const follow = (): void => {
    if (document.visibilityState === 'hidden') {
      source?.close()
      source = undefined
    } else if (!source) {
      source = new EventSource(urlOf('api/v1/events?types=log'))
      source.addEventListener('open', onOpen)
      source.addEventListener('log', ({ data }) => add(JSON.parse(data) as LogLine))
    }
  }
  follow()
  document.addEventListener('visibilitychange', follow)
  return () => {
    document.removeEventListener('visibilitychange', follow)
    source?.close()
    clearTimeout(timer)
  }
}

/** Returns whether a line is one that the lab would list. */
function matches({ level, message, facts }: LogLine, filter: LogFilter): boolean {
  if (levels.indexOf(level) < levels.indexOf(filter.level)) return false
  const text = `${message} ${JSON.stringify(facts)}`.toLowerCase()
  return filter.query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word))
}

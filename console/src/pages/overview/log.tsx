import { useId, useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { wholeTime } from '../../components/relative-time.tsx'
import { ProblemState, Skeleton } from '../../components/states.tsx'
import { navigate, pathWith, useRoute } from '../../router.ts'
import { language } from '../../state/preferences.ts'
import { t } from '../../texts/index.ts'
import { type Level, type LogLine, levels, useLog } from './use-log.ts'

const PAGE_SIZE = 100
/** The longest list that the lab answers. */
const MAX_LINES = 1_000
/** The levels that the user can choose. */
const choices = ['trace', 'info', 'warn', 'error'] as const satisfies readonly Level[]
const tones = {
  trace: 'neutral',
  debug: 'neutral',
  info: 'neutral',
  warn: 'warning',
  error: 'bad',
  fatal: 'bad',
} as const

/** The latest lines of the log, live. The level and the filter are in the URL. */
export function LogTail() {
  const id = useId()
  const { query: parameters } = useRoute()
  const [limit, setLimit] = useState(PAGE_SIZE)
  const level = levels.find((one) => one === parameters.get('level')) ?? 'info'
  const query = parameters.get('log') ?? ''
  const { lines, rest, problem, again } = useLog({ level, query }, limit)
  const choose = (name: 'level' | 'log', value: string): void => {
    const changed = new URLSearchParams(parameters)
    changed.set(name, value)
    navigate(pathWith(['overview'], changed), { replace: true })
  }
  return (
    <section class="log" aria-labelledby={id}>
      <header>
        <h2 id={id}>{t('overview.log')}</h2>
        <select
          aria-label={t('overview.level')}
          value={level}
          onChange={({ currentTarget }) => choose('level', currentTarget.value)}
        >
          {choices.map((one) => (
            <option key={one} value={one}>
              {t(`overview.level_${one}`)}
            </option>
          ))}
        </select>
        <input
          type="search"
          aria-label={t('overview.filter')}
          placeholder={t('overview.filter')}
          value={query}
          onInput={({ currentTarget }) => choose('log', currentTarget.value)}
        />
      </header>
      {problem ? (
        <ProblemState problem={problem} onRetry={() => void again()} />
      ) : lines === undefined ? (
        <Skeleton />
      ) : (
        <ol class="log-lines" tabIndex={0} aria-label={t('overview.log')}>
          {lines.map((line) => (
            <Line key={line.id} line={line} />
          ))}
          {lines.length === 0 && <li class="hint">{t('overview.noLines')}</li>}
          {rest > 0 && limit < MAX_LINES && (
            <li>
              <Button onClick={() => setLimit(limit + PAGE_SIZE)}>{t('overview.moreLines', { n: rest })}</Button>
            </li>
          )}
        </ol>
      )}
    </section>
  )
}

function Line({ line: { at, level, message, facts } }: { readonly line: LogLine }) {
  const { session, ...others } = facts
  return (
    <li class="log-line">
      <time dateTime={at} title={wholeTime(at)}>
        {new Date(at).toLocaleTimeString(language.value)}
      </time>
      <Badge tone={tones[level]}>{level}</Badge>
      <span class="log-text">
        {message} {typeof session === 'string' && <Link href={pathWith(['sessions', session])}>{session}</Link>}{' '}
        <span class="log-facts">{inWords(others)}</span>
      </span>
    </li>
  )
}

/** Describes facts in one line: `client: 127.0.0.1:41234, durationMs: 12`. */
const inWords = (facts: Readonly<Record<string, unknown>>): string =>
  Object.entries(facts)
    .map(([name, value]) => `${name}: ${valueInWords(value)}`)
    .join(', ')

function valueInWords(value: unknown): string {
  if (Array.isArray(value)) return value.map(valueInWords).join('; ')
  return typeof value === 'object' && value !== null ? Object.values(value).map(valueInWords).join(' ') : String(value)
}

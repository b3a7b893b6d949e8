import { X } from 'lucide-preact'
import { useEffect, useState } from 'preact/hooks'
import { call } from '../../api/client.ts'
import { useLive } from '../../api/use-live.ts'
import { useLoaded } from '../../api/use-loaded.ts'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { Copyable } from '../../components/copy-button.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { EmptyState, ProblemState, Skeleton } from '../../components/states.tsx'
import { navigate, pathWith, useRoute } from '../../router.ts'
import { needAttention } from '../../shell/attention.ts'
import { icons } from '../../shell/icons.ts'
import { t } from '../../texts/index.ts'
import { hasFailed } from './facts.ts'
import type { Session } from './types.ts'

const PAGE_SIZE = 100
const PROTOCOLS = ['smtp', 'pop3', 'imap4', 'nntp', 'lmtp', 'managesieve', 'http']
const MAIL_AND_NEWS = 'smtp,pop3,imap4,nntp'
const FILTERS = ['failed', 'open', 'protocol', 'user', 'address', 'fault']

/** Returns the filters in the URL as a query. */
const filtersIn = (query: URLSearchParams): string =>
  new URLSearchParams([...query].filter(([name]) => FILTERS.includes(name))).toString()

/** Returns the input of the API for filters. The console itself is an HTTP client, so HTTP is shown on request only. */
function inputOf(filters: string): Record<string, string> {
  const { protocol = MAIL_AND_NEWS, ...rest } = Object.fromEntries(new URLSearchParams(filters))
  return protocol === 'all' ? rest : { protocol, ...rest }
}

/** The sessions that the filters in the URL select, the newest first. They change while they are shown. */
export function SessionList({ selected }: { readonly selected: string | undefined }) {
  const { query } = useRoute()
  const filters = filtersIn(query)
  const { sessions, total, next, problem, more, again } = useSessions(filters)
  const open = (id: string): void => navigate(pathWith(['sessions', id], query))
  return (
    <section class="session-list" aria-label={t('sessions.list')}>
      <Filters query={query} total={total} />
      {problem ? (
        <ProblemState problem={problem} onRetry={() => void again()} />
      ) : sessions === undefined ? (
        <Skeleton />
      ) : sessions.length === 0 ? (
        <NoSessions isFiltered={filters !== ''} />
      ) : (
        <ul class="session-rows">
          {sessions.map((session) => (
            <li key={session.id}>
              <button type="button" aria-current={session.id === selected} onClick={() => open(session.id)}>
                <SessionRow session={session} />
              </button>
            </li>
          ))}
          {next && (
            <li class="session-more">
              <Button onClick={more}>{t('sessions.more')}</Button>
            </li>
          )}
        </ul>
      )}
    </section>
  )
}

function SessionRow({ session }: { readonly session: Session }) {
  const { protocol, direction, remoteAddress, user, startedAt, endedAt, tls, refusals, endCause } = session
  return (
    <>
      <span class="session-first">
        <strong>{protocol.toUpperCase()}</strong>
        <span class="session-who" title={remoteAddress}>
          {direction === 'out' ? `→ ${remoteAddress}` : (user ?? remoteAddress)}
        </span>
        <State session={session} />
        <RelativeTime at={startedAt} short />
      </span>
      <span class={`session-second ${hasFailed(session) ? 'bad' : ''}`}>
        {refusals[0] ??
          [tls ? `${tls.version} · ${tls.cipher}` : t('sessions.clearText'), endedAt ? endCause : undefined]
            .filter(Boolean)
            .join(' · ')}
      </span>
    </>
  )
}

/** The state of a session as a word. */
export function State({ session }: { readonly session: Session }) {
  if (hasFailed(session)) return <Badge tone="bad">{t('sessions.failed')}</Badge>
  return session.endedAt === undefined ? <Badge tone="good">{t('sessions.open')}</Badge> : null
}

function Filters({ query, total }: { readonly query: URLSearchParams; readonly total: number | undefined }) {
  const { rest } = useRoute()
  const change = (name: string, value: string | undefined): void => {
    const changed = new URLSearchParams(query)
    if (value) changed.set(name, value)
    else changed.delete(name)
    navigate(pathWith(['sessions', ...rest], changed), { replace: true })
  }
  const toggle = (name: 'failed' | 'open') => (
    <label class="check">
      <input
        type="checkbox"
        checked={query.get(name) === 'true'}
        onChange={(event) => change(name, event.currentTarget.checked ? 'true' : undefined)}
      />
      {t(`sessions.${name}Only`)}
    </label>
  )
  return (
    <search class="session-filters">
      {toggle('failed')}
      {toggle('open')}
      <select
        aria-label={t('sessions.protocol')}
        value={query.get('protocol') ?? ''}
        onChange={(event) => change('protocol', event.currentTarget.value)}
      >
        <option value="">{t('sessions.mailAndNews')}</option>
        <option value="all">{t('sessions.everyProtocol')}</option>
        {PROTOCOLS.map((one) => (
          <option key={one} value={one}>
            {one.toUpperCase()}
          </option>
        ))}
      </select>
      <input
        type="search"
        placeholder={t('sessions.user')}
        aria-label={t('sessions.user')}
        value={query.get('user') ?? ''}
        onChange={(event) => change('user', event.currentTarget.value.trim())}
      />
      <input
        type="search"
        placeholder={t('sessions.address')}
        aria-label={t('sessions.address')}
        value={query.get('address') ?? ''}
        onChange={(event) => change('address', event.currentTarget.value.trim())}
      />
      {query.has('fault') && (
        <Button icon={X} title={t('sessions.everyFault')} onClick={() => change('fault', undefined)}>
          {t('sessions.ofFault', { name: query.get('fault') ?? '' })}
        </Button>
      )}
      {total !== undefined && <span class="hint">{t('sessions.count', { n: total })}</span>}
    </search>
  )
}

/** Shows how to connect, before the first client has. */
function NoSessions({ isFiltered }: { readonly isFiltered: boolean }) {
  const { value: servers } = useLoaded('servers', (signal) => call('virtualServers.list', {}, { signal }))
  const server = servers?.items.find(({ protocol, tlsPort }) => protocol === 'imap4' && tlsPort !== null)
  if (isFiltered) return <EmptyState icon={icons.sessions} title={t('sessions.noneMatches')} />
  return (
    <EmptyState icon={icons.sessions} title={t('sessions.none')}>
      <p>{t('sessions.noneHint')}</p>
      {server && <Copyable text={`openssl s_client -connect ${location.hostname}:${server.tlsPort}`} />}
    </EmptyState>
  )
}

/** Reads the sessions that a filter selects, and reads them again when one begins, ends or is refused. */
function useSessions(filters: string) {
  const [size, setSize] = useState(PAGE_SIZE)
  const { value, problem, again, reads } = useLive(
    () => call('sessions.list', { ...inputOf(filters), limit: size }),
    ({ name }) => name.startsWith('session.') || name === 'lab.reset',
    `${filters} ${size}`,
  )
  // The refusals are on this page, so that the rail need not count them.
  useEffect(() => needAttention('sessions', 0), [reads])
  return {
    sessions: value?.items as readonly Session[] | undefined,
    total: value?.total,
    next: value?.next,
    problem,
    again,
    more: () => setSize(size + PAGE_SIZE),
  }
}

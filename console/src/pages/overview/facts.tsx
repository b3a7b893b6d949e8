import { Clock } from 'lucide-preact'
import { Link } from 'wouter-preact'
import { call, type OutputOf } from '../../api/client.ts'
import type { EventName } from '../../api/live.ts'
import { problemOf } from '../../api/problem.ts'
import { useLive } from '../../api/use-live.ts'
import { urlOf } from '../../base.ts'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { Fact } from '../../components/fact.tsx'
import { RelativeTime, wholeTime } from '../../components/relative-time.tsx'
import { ProblemState, Skeleton } from '../../components/states.tsx'
import { notifyProblem } from '../../components/toast.tsx'
import { pathWith } from '../../router.ts'
import { may } from '../../state/caller.ts'
import { language } from '../../state/preferences.ts'
import { t } from '../../texts/index.ts'

/** Events after which the facts may differ. */
const CHANGES: readonly EventName[] = ['clock.changed', 'configuration.reloaded', 'certificate.changed', 'lab.reset']

type ClockState = OutputOf<'clock.get'>
type Server = OutputOf<'virtualServers.list'>['items'][number]

/** Shows the lab's facts: version, start, clock, and where clients connect. */
export function LabFacts() {
  const { value, problem, again } = useLive(
    async () => {
      const [status, clock, servers] = await Promise.all([
        call('status.get', {}),
        call('clock.get', {}),
        call('virtualServers.list', {}),
      ])
      return { status, clock, servers: servers.items, startedAt: Date.now() - status.uptimeMs }
    },
    ({ name }) => CHANGES.includes(name),
  )
  return (
    <section class="lab-facts" aria-labelledby="lab-facts">
      <h2 id="lab-facts">{t('overview.lab')}</h2>
      {problem ? (
        <ProblemState problem={problem} onRetry={() => void again()} />
      ) : value === undefined ? (
        <Skeleton />
      ) : (
        <>
          <dl class="facts beside">
            <div>
              <dt>{t('overview.version')}</dt>
              <dd title={`Node.js ${value.status.nodeVersion}`}>Sealpost {value.status.version}</dd>
            </div>
            <Fact name={t('overview.host')}>
              {value.status.hostname}, {value.status.domain}
            </Fact>
            <Fact name={t('overview.started')}>
              <RelativeTime at={value.startedAt} ofMachine />
            </Fact>
            <Fact name={t('overview.clock')}>
              <ClockFact clock={value.clock} />
            </Fact>
          </dl>
          <ul class="lab-ports">
            {value.servers.map((server) => (
              <li key={server.id}>
                <Link href={pathWith(['servers', server.id])} title={server.name}>
                  {server.protocol.toUpperCase()}
                </Link>{' '}
                {portsOf(server)}
              </li>
            ))}
          </ul>
          <p class="lab-links">
            <a href={urlOf('api/docs')}>{t('overview.api')}</a>
            <a href={urlOf('metrics')}>{t('overview.metrics')}</a>
          </p>
        </>
      )}
    </section>
  )
}

/** `3143 · 3993 TLS` */
function portsOf({ port, tlsPort, reachable }: Server): string {
  const ports = [...(port === null ? [] : [`${port}`]), ...(tlsPort === null ? [] : [`${tlsPort} TLS`])]
  return ports.length === 0 || !reachable ? t('overview.closed') : ports.join(' · ')
}

/** A moved clock is easily forgotten: certificates and dates follow it. */
function ClockFact({ clock: { now, frozen, offsetMs } }: { readonly clock: ClockState }) {
  const isMoved = Math.abs(offsetMs) >= SECOND_MS
  if (!frozen && !isMoved) return <>{t('overview.clockReal')}</>
  const reset = (): Promise<unknown> =>
    call('clock.change', { reset: true }).catch((error) => notifyProblem(problemOf(error)))
  return (
    <span class="clock-moved">
      <Badge tone="warning" icon={Clock}>
        {frozen
          ? t('overview.clockStopped')
          : t(offsetMs > 0 ? 'overview.clockAhead' : 'overview.clockBehind', {
              time: durationText(Math.abs(offsetMs)),
            })}
      </Badge>{' '}
      {wholeTime(now)} {may('administer') && <Button onClick={() => void reset()}>{t('overview.clockReset')}</Button>}
    </span>
  )
}

const SECOND_MS = 1_000
const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const

/** Returns a duration in its largest unit and the next one: `40 days`, `2 hr 5 min`. */
function durationText(ms: number): string {
  let left = Math.round(ms / SECOND_MS)
  const texts: string[] = []
  for (const [unit, seconds] of UNITS) {
    const count = Math.floor(left / seconds)
    left -= count * seconds
    if (count > 0) {
      texts.push(count.toLocaleString(language.value, { style: 'unit', unit, unitDisplay: 'short' }))
    } else if (texts.length > 0) break
    if (texts.length === 2) break
  }
  return texts.join(' ')
}

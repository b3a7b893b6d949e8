import { CircleCheck, TriangleAlert } from 'lucide-preact'
import type { ComponentChildren } from 'preact'
import { Link } from 'wouter-preact'
import { call, type OutputOf } from '../../api/client.ts'
import { useLive } from '../../api/use-live.ts'
import { Badge } from '../../components/badge.tsx'
import { Glyph } from '../../components/icon.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { sizeText } from '../../components/size.ts'
import { ProblemState, Skeleton } from '../../components/states.tsx'
import { pathWith } from '../../router.ts'
import type { TextKey } from '../../texts/catalogue.ts'
import { t } from '../../texts/index.ts'

type Health = OutputOf<'health.get'>

/** A part of the health: its name, the page that shows more, and the facts in words. */
interface Part {
  readonly name: Exclude<keyof Health, 'ok'>
  readonly title: TextKey
  readonly path?: string
  readonly inWords: (health: Health) => ComponentChildren
}

/**
 * Shows what needs attention.
 * @param minute changes with the time: refusals become old without an event
 */
export function HealthList({ minute }: { readonly minute: string }) {
  const { value, problem, again } = useLive(
    () => call('health.get', {}),
    ({ name }) => !name.startsWith('job.') && name !== 'message.changed',
    minute,
  )
  const attention = value ? partsOf(value).filter(({ isOk }) => !isOk).length : 0
  return (
    <section class="health" aria-labelledby="health">
      <header>
        <h2 id="health">{t('overview.health')}</h2>
        {value && (
          <Badge tone={attention > 0 ? 'warning' : 'good'} icon={attention > 0 ? TriangleAlert : CircleCheck}>
            {attention > 0 ? t('overview.attention', { n: attention }) : t('overview.allWell')}
          </Badge>
        )}
      </header>
      {problem ? (
        <ProblemState problem={problem} onRetry={() => void again()} />
      ) : value === undefined ? (
        <Skeleton />
      ) : (
        <ul>
          {partsOf(value).map(({ name, title, path, inWords, isOk }) => (
            <li key={name} class={isOk ? 'good' : 'warning'}>
              <Glyph icon={isOk ? CircleCheck : TriangleAlert} size={18} />
              <span class="hidden">{t(isOk ? 'overview.good' : 'overview.needsAttention')}: </span>
              <div>
                <strong>{path ? <Link href={path}>{t(title)}</Link> : t(title)}</strong>
                <p>{inWords(value)}</p>
              </div>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

const parts: readonly Part[] = [
  {
    name: 'ports',
    title: 'shell.servers',
    path: '/servers',
    inWords: ({ ports: { open, closed } }) =>
      [t('overview.portsOpen', { n: open }), ...closed.map((name) => t('overview.unreachable', { name }))].join(' '),
  },
  {
    name: 'sessions',
    title: 'shell.sessions',
    path: '/sessions',
    inWords: ({ sessions: { refused, latest } }) =>
      latest ? (
        <>
          {t('overview.refusedLately', { n: refused })}{' '}
          <Link href={pathWith(['sessions', latest.id])} title={latest.why}>
            {latest.why}
          </Link>
        </>
      ) : (
        t('overview.noneRefused')
      ),
  },
  {
    name: 'certificates',
    title: 'shell.certificates',
    path: '/certificates',
    inWords: ({ certificates: { expiring, notServed, next } }) =>
      notServed.length > 0 ? (
        notServed.map((one) => t('overview.notServed', { ...one })).join(' ')
      ) : expiring.length > 0 ? (
        <>
          {t('overview.expiring', { n: expiring.length })} {next && <Expiry certificate={next} />}
        </>
      ) : next ? (
        <>
          {t('overview.noneExpires')} <Expiry certificate={next} />
        </>
      ) : (
        t('overview.noCertificates')
      ),
  },
  {
    name: 'requests',
    title: 'overview.requests',
    path: '/authorities',
    inWords: ({ requests: { waiting } }) =>
      waiting > 0 ? t('overview.waiting', { n: waiting }) : t('overview.noneWaits'),
  },
  {
    name: 'store',
    title: 'overview.store',
    path: '/mail',
    inWords: ({ store: { kind, messages, usedOctets, freeOctets } }) =>
      t(storeTexts[kind], {
        n: messages,
        used: sizeText(usedOctets),
        free: sizeText(freeOctets ?? 0),
      }),
  },
  {
    name: 'cluster',
    title: 'overview.nodes',
    inWords: ({ cluster: { ready, lost, unled } = { ready: 0, lost: [], unled: [] } }) =>
      [
        t('overview.nodesReady', { n: ready }),
        ...lost.map((name) => t('overview.nodeLost', { name })),
        ...unled.map((role) => t('overview.unled', { role })),
      ].join(' '),
  },
  {
    name: 'memory',
    title: 'overview.clientMemory',
    inWords: ({ memory: { usedOctets, limitOctets, refusals } }) =>
      [
        t('overview.memoryUsed', { used: sizeText(usedOctets), limit: sizeText(limitOctets) }),
        ...(refusals > 0 ? [t('overview.memoryRefusals', { n: refusals })] : []),
      ].join(' '),
  },
]

const storeTexts = {
  memory: 'overview.storeMemory',
  lmdb: 'overview.storeDisk',
  postgres: 'overview.storeDatabase',
} as const satisfies Record<Health['store']['kind'], TextKey>

/** Returns the parts that a lab has, and whether they need attention. A lab that is one process has no cluster. */
const partsOf = (health: Health) =>
  parts.flatMap((part) => {
    const found = health[part.name]
    return found ? { ...part, isOk: found.ok } : []
  })

/** The certificate that expires first. */
const Expiry = ({ certificate }: { readonly certificate: NonNullable<Health['certificates']['next']> }) => (
  <span class="expiry">
    {certificate.virtualServer}: <RelativeTime at={certificate.expiresAt} />
  </span>
)

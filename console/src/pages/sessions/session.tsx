import { ArrowLeft, Download, FlaskConical, Radio } from 'lucide-preact'
import type { ComponentProps } from 'preact'
import { urlTo } from '../../api/client.ts'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { Copyable, copyText } from '../../components/copy-button.tsx'
import { Fact } from '../../components/fact.tsx'
import { wholeTime } from '../../components/relative-time.tsx'
import { ProblemState, Skeleton } from '../../components/states.tsx'
import { Tabs } from '../../components/tabs.tsx'
import { notify } from '../../components/toast.tsx'
import { navigate, pathWith, useRoute } from '../../router.ts'
import { t } from '../../texts/index.ts'
import { Comparison } from './comparison.tsx'
import { Cures } from './cures.tsx'
import { hasFailed } from './facts.ts'
import { State } from './list.tsx'
import { canReplay, replayOf } from './replay.ts'
import { timelineOf } from './timeline.ts'
import { Transcript } from './transcript.tsx'
import type { Session } from './types.ts'
import { useSession, type Whole } from './use-session.ts'

const tabNames = ['transcript', 'tls'] as const

/** One session: who, what was refused and why, its transcript, and its handshake. */
export function SessionView({ id }: { readonly id: string }) {
  const { query } = useRoute()
  const { value, problem, again } = useSession(id)
  const selected = tabNames.find((name) => name === query.get('tab')) ?? 'transcript'
  const select = (tab: string): void => {
    const changed = new URLSearchParams(query)
    changed.set('tab', tab)
    navigate(pathWith(['sessions', id], changed), { replace: true })
  }
  if (problem) return <ProblemState problem={problem} onRetry={() => void again()} />
  if (!value) return <Skeleton lines={10} />
  const { session, handshake, server, isFollowed } = value
  const filters = new URLSearchParams(query)
  filters.delete('tab')
  return (
    <article class="session" aria-label={session.id}>
      <header class="session-head">
        <div class="session-title">
          <Button
            kind="plain"
            class="session-back"
            icon={ArrowLeft}
            label={t('sessions.back')}
            onClick={() => navigate(pathWith(['sessions'], filters))}
          />
          <h2>{session.virtualServer}</h2>
          <State session={session} />
          {isFollowed && (
            <Badge tone="good" icon={Radio}>
              {t('sessions.live')}
            </Badge>
          )}
          {session.captured && (
            <a class="button secondary" href={urlTo('sessions.capture', { id })} download={`${id}.pcapng`}>
              <Download size={16} aria-hidden="true" />
              {t('sessions.downloadCapture')}
            </a>
          )}
          <a class="button secondary" href={urlTo('sessions.get', { id, format: 'text' })} download={`${id}.txt`}>
            <Download size={16} aria-hidden="true" />
            {t('sessions.download')}
          </a>
          {server && canReplay(session, session.transcript) && (
            <Button
              icon={FlaskConical}
              title={t('sessions.copyTestHint')}
              onClick={() =>
                void copyText(replayOf(session, session.transcript, server)).then(
                  (isCopied) => isCopied && notify(t('sessions.testCopied')),
                )
              }
            >
              {t('sessions.copyTest')}
            </Button>
          )}
        </div>
        {(hasFailed(session) || session.cures.length > 0) && (
          <Refusals session={session} handshake={handshake} server={server} />
        )}
        <Facts session={session} />
        <Timeline session={session} />
      </header>
      <Tabs
        label={session.id}
        tabs={tabNames.map((name) => ({ name, label: t(`sessions.${name}`) }))}
        selected={selected}
        onSelect={select}
      >
        {selected === 'transcript' ? (
          <Transcript session={session} entries={session.transcript} isLive={isFollowed} />
        ) : (
          <Comparison handshake={handshake} />
        )}
      </Tabs>
    </article>
  )
}

/** Shows what happened, why, and what would cure it. */
function Refusals(facts: ComponentProps<typeof Cures>) {
  const { session, handshake } = facts
  return (
    <div class="refusals" role="note">
      {hasFailed(session) && (
        <h3>{handshake?.outcome === 'failed' ? t('sessions.handshakeFailed') : t('sessions.refused')}</h3>
      )}
      {session.refusals.map((why, index) => (
        <p key={index}>{why}</p>
      ))}
      <Cures {...facts} />
    </div>
  )
}

function Facts({ session }: { readonly session: Session }) {
  const { remoteAddress, remotePort, proxy, localAddress, localPort, startedAt, endedAt, endCause, user, tls, hello } =
    session
  const peer = tls?.peerCertificate
  const [local, remote] =
    session.direction === 'out'
      ? [t('sessions.client'), t('sessions.server')]
      : [t('sessions.server'), t('sessions.client')]
  const rows: readonly (readonly [string, string | undefined])[] = [
    // A proxy of HTTP does not tell the port.
    [remote, remotePort === 0 ? remoteAddress : `${remoteAddress} : ${remotePort}`],
    [t('sessions.proxy'), proxy && `${proxy.address} : ${proxy.port}`],
    // A connection that failed has no address of its own.
    [local, localPort === 0 ? undefined : `${localAddress} : ${localPort}`],
    [t('sessions.account'), user],
    [t('sessions.began'), wholeTime(startedAt)],
    [
      t('sessions.ended'),
      endedAt === undefined
        ? undefined
        : `${endCause} · ${t('sessions.after', { seconds: seconds(Date.parse(endedAt) - Date.parse(startedAt)) })}`,
    ],
    [
      t('sessions.encryption'),
      tls
        ? `${tls.version} · ${tls.cipher} (${t('sessions.bits', { n: tls.bits })})`
        : t(endCause === 'handshake failed' ? 'sessions.notEstablished' : 'sessions.clearText'),
    ],
    [t('sessions.keyExchange'), tls?.keyExchange],
    [t('sessions.serverName'), tls?.serverName ?? hello?.serverName],
    // encrypted_client_hello. RFC 9849 section 5
    [t('sessions.ech'), hello?.extensions?.includes(0xfe0d) ? t('sessions.echText') : undefined],
    [t('sessions.certificate'), tls?.certificate?.friendlyName],
    [
      t('sessions.clientCertificate'),
      tls?.clientCertificate &&
        `${tls.clientCertificate.subject} (${tls.clientCertificate.error ?? t('sessions.verified')})`,
    ],
    [
      t('sessions.peerCertificate'),
      peer && `${peer.subject} (${peer.policy}: ${peer.error ?? t('sessions.verified')})`,
    ],
  ]
  return (
    <dl class="facts">
      {rows.map(([name, value]) =>
        value === undefined ? null : (
          <Fact key={name} name={name}>
            {value}
          </Fact>
        ),
      )}
      {hello?.ja4 && (
        <Fact name="JA4">
          <Copyable text={hello.ja4} />
        </Fact>
      )}
    </dl>
  )
}

/** The steps of the session, with the time since its start. */
const Timeline = ({ session }: { readonly session: Whole }) => (
  <ol class="timeline" aria-label={t('sessions.timeline')}>
    {timelineOf(session, session.transcript).map(({ name, ms }) => (
      <li key={name}>
        {t(`sessions.step_${name}`)} <span class="hint">{seconds(ms)} s</span>
      </li>
    ))}
  </ol>
)

const seconds = (ms: number): string => (ms / 1000).toFixed(3)

import { Lock, LockOpen } from 'lucide-preact'
import { Link } from 'wouter-preact'
import { call } from '../../../api/client.ts'
import { useLoaded } from '../../../api/use-loaded.ts'
import { Badge } from '../../../components/badge.tsx'
import { Copyable } from '../../../components/copy-button.tsx'
import { Fact } from '../../../components/fact.tsx'
import { wholeTime } from '../../../components/relative-time.tsx'
import { Skeleton } from '../../../components/states.tsx'
import { formatNumber, t } from '../../../texts/index.ts'
import type { TabProps } from '../use-message.ts'
import { AuthenticationFacts } from './authentication.tsx'

/** The session that delivered a message, as far as the page shows it. */
interface Delivery {
  readonly id: string
  readonly protocol: string
  readonly virtualServer: string
  readonly startedAt: string
  readonly remoteAddress?: string
  readonly remotePort?: number
  readonly user?: string
  readonly tls?: {
    readonly version: string
    readonly cipher: string
    readonly bits: number
    readonly keyExchange?: string
    readonly serverName?: string
    readonly resumed?: boolean
    readonly certificate?: { readonly friendlyName: string; readonly thumbprint: string }
    readonly clientCertificate?: { readonly subject: string; readonly verified: boolean }
    readonly hello?: { readonly ja4?: string }
  }
}

type Entry = { readonly at: string; readonly encrypted: boolean } & (
  | { readonly kind: 'line'; readonly direction: 'in' | 'out'; readonly text: string }
  | { readonly kind: 'octets'; readonly direction: 'in' | 'out'; readonly octets: number }
  | { readonly kind: 'note'; readonly text: string }
)

/** Fields that say how a message came, and what was checked. RFC 5322 section 3.6.7, RFC 8601, RFC 5536 section 3.2. */
const TRACE =
  /^(?:received|return-path|delivered-to|authentication-results|arc-.*|dkim-signature|received-spf|x-original-to|path|xref|injection-(?:info|date)|nntp-posting-.*|approved)$/i

/** How a message arrived: envelope, session, TLS, log-on, checks, transcript. */
export default function ArrivalTab({ message }: TabProps) {
  const { id, envelope, receivedAt, newsgroup } = message
  const delivery = message.delivery as Delivery | null
  const { value: fields } = useLoaded(id, (signal) => call('messages.headers', { id }, { signal }))
  const trace = (fields?.headers ?? []).filter(({ name }) => TRACE.test(name))
  return (
    <div class="padded arrival-tab">
      <section>
        {newsgroup === null && <h3>{t('mail.envelope')}</h3>}
        <dl class="facts beside">
          <Fact name={t('mail.receivedAt')}>{wholeTime(receivedAt)}</Fact>
          {newsgroup === null && (
            <>
              <Fact name="MAIL FROM">
                <code>{envelope ? `<${envelope.from}>` : '–'}</code>
              </Fact>
              <Fact name="RCPT TO">
                <code>{envelope?.to.map((one) => `<${one}>`).join(' ') || '–'}</code>
              </Fact>
            </>
          )}
        </dl>
      </section>
      {message.authentication && <AuthenticationFacts results={message.authentication} />}
      {delivery ? <Session delivery={delivery} /> : <p class="hint">{t('mail.noSession')}</p>}
      {trace.length > 0 && (
        <section>
          <h3>{t('mail.trace')}</h3>
          <dl class="facts beside trace">
            {trace.map(({ name, value }, index) => (
              <Fact key={index} name={name}>
                <code>{value}</code>
              </Fact>
            ))}
          </dl>
        </section>
      )}
    </div>
  )
}

function Session({ delivery }: { readonly delivery: Delivery }) {
  const { id, protocol, virtualServer, remoteAddress, remotePort, user, tls } = delivery
  return (
    <>
      <section>
        <h3>
          {t('mail.session')}{' '}
          {tls ? (
            <Badge tone="good" icon={Lock}>
              {tls.version}
            </Badge>
          ) : (
            <Badge tone="warning" icon={LockOpen}>
              {t('mail.clearText')}
            </Badge>
          )}
        </h3>
        <dl class="facts beside">
          <Fact name={t('mail.sessionId')}>
            <Link href={`/sessions/${id}`}>{id}</Link>
          </Fact>
          <Fact name={t('mail.server')}>
            {virtualServer} ({protocol.toUpperCase()})
          </Fact>
          {remoteAddress && (
            <Fact name={t('mail.client')}>
              {remoteAddress} {remotePort ? `port ${remotePort}` : ''}
            </Fact>
          )}
          <Fact name={t('mail.loggedOnAs')}>{user ?? t('mail.noLogOn')}</Fact>
          {tls && (
            <>
              <Fact name={t('mail.suite')}>
                <code>{tls.cipher}</code> {t('mail.bits', { n: tls.bits })}
              </Fact>
              {tls.keyExchange && <Fact name={t('mail.keyExchange')}>{tls.keyExchange}</Fact>}
              {tls.serverName && <Fact name="SNI">{tls.serverName}</Fact>}
              {tls.certificate && (
                <Fact name={t('mail.certificate')}>
                  {tls.certificate.friendlyName} <Copyable text={tls.certificate.thumbprint} />
                </Fact>
              )}
              {tls.clientCertificate && (
                <Fact name={t('mail.clientCertificate')}>
                  {tls.clientCertificate.subject}{' '}
                  <Badge tone={tls.clientCertificate.verified ? 'good' : 'bad'}>
                    {tls.clientCertificate.verified ? t('mail.verified') : t('mail.notVerified')}
                  </Badge>
                </Fact>
              )}
              {tls.hello?.ja4 && (
                <Fact name="JA4">
                  <Copyable text={tls.hello.ja4} />
                </Fact>
              )}
            </>
          )}
        </dl>
      </section>
      <Transcript id={id} />
    </>
  )
}

/** Shows what both sides sent. Accounts see only sessions of their own. */
function Transcript({ id }: { readonly id: string }) {
  const { value, problem } = useLoaded(id, (signal) => call('sessions.get', { id }, { signal }))
  if (problem) return null
  if (!value || typeof value === 'string') return <Skeleton />
  const { transcript = [], startedAt } = value as unknown as { transcript?: Entry[]; startedAt: string }
  return (
    <section>
      <h3>{t('mail.transcript')}</h3>
      <ol class="transcript" tabIndex={0}>
        {transcript.map((entry, index) => (
          <li key={index} class={entry.kind === 'note' ? 'note' : entry.direction}>
            <span class="time">+{formatNumber(Date.parse(entry.at) - Date.parse(startedAt))} ms</span>
            <span class="arrow" title={entry.encrypted ? t('mail.encrypted') : t('mail.clearText')}>
              {entry.kind === 'note' ? '·' : entry.direction === 'in' ? 'C →' : 'S ←'}
              {entry.encrypted && <Lock size={11} aria-label={t('mail.encrypted')} />}
            </span>
            <code>{entry.kind === 'octets' ? t('mail.octets', { n: entry.octets }) : entry.text}</code>
          </li>
        ))}
      </ol>
    </section>
  )
}

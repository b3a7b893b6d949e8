import { call, type OutputOf } from '../../api/client.ts'
import { useLive } from '../../api/use-live.ts'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { Copyable } from '../../components/copy-button.tsx'
import { Fact } from '../../components/fact.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { ProblemState, Skeleton } from '../../components/states.tsx'
import { type Column, Table } from '../../components/table.tsx'
import { t } from '../../texts/index.ts'

type Service = OutputOf<'authorities.service'>
type Acme = NonNullable<Service['acme']>
type Order = OutputOf<'authorities.orders'>['items'][number]

/** Returns the lines that obtain a certificate, each for one program. */
function linesOf({
  directory,
  httpPort,
  tlsAlpnPort,
  needsExternalAccount,
}: Acme): readonly (readonly [string, string])[] {
  const [certbotAccount, acmeShAccount] = needsExternalAccount
    ? [' --eab-kid KID --eab-hmac-key KEY', ' --eab-kid KID --eab-hmac-key KEY']
    : ['', '']
  return [
    [
      'certbot',
      `REQUESTS_CA_BUNDLE=lab-ca.pem certbot certonly --standalone --http-01-port ${httpPort} --config-dir certbot --work-dir certbot --logs-dir certbot --server ${directory} -d www.lab.test -m admin@lab.test --agree-tos -n${certbotAccount}`,
    ],
    [
      'acme.sh',
      `acme.sh --issue --alpn --tlsport ${tlsAlpnPort} -d mail.lab.test --home "$PWD/acme.sh" --server ${directory} --ca-bundle lab-ca.pem --accountemail admin@lab.test${acmeShAccount}`,
    ],
    ['Sealpost', `sealpost cert issue --for smtp --acme ${directory} --acme-ca lab-ca.pem --http-port ${httpPort}`],
  ]
}

/** The ACME directory of an authority: lines for clients, and their orders. */
export function AcmeView({ name, service: { acme, roots } }: { readonly name: string; readonly service: Service }) {
  if (!acme) return <p class="hint">{t('authorities.acmeOff')}</p>
  return (
    <>
      <dl class="facts">
        <Fact name={t('authorities.directory')}>
          <Copyable text={acme.directory} />
        </Fact>
      </dl>
      {!acme.directory.startsWith('https:') && <p class="hint">{t('authorities.needsHttps')}</p>}
      <p>{t('authorities.acmeHint')}</p>
      <dl class="lines">
        {roots && (
          <Fact name={t('authorities.fetchRoots')}>
            <Copyable text={`curl -o lab-ca.pem ${roots}`} />
          </Fact>
        )}
        {linesOf(acme).map(([program, line]) => (
          <Fact key={program} name={program}>
            <Copyable text={line} />
          </Fact>
        ))}
      </dl>
      <p class="hint">{t(acme.hasDns ? 'authorities.wildcards' : 'authorities.noWildcards')}</p>
      <Orders name={name} />
    </>
  )
}

const TONES = { pending: 'neutral', ready: 'accent', processing: 'warning', valid: 'good', invalid: 'bad' } as const

function Orders({ name }: { readonly name: string }) {
  const { value, problem, again } = useLive(
    () => call('authorities.orders', { name }),
    ({ name: event }) => event === 'certificate.changed' || event === 'request.queued',
    name,
  )
  return (
    <section aria-label={t('authorities.orders')}>
      <header>
        <h3>{t('authorities.orders')}</h3>
        <Button kind="plain" onClick={() => void again()}>
          {t('authorities.refresh')}
        </Button>
      </header>
      {problem ? (
        <ProblemState problem={problem} onRetry={() => void again()} />
      ) : !value ? (
        <Skeleton lines={3} />
      ) : value.items.length === 0 ? (
        <p class="hint">{t('authorities.noOrders')}</p>
      ) : (
        <Table caption={t('authorities.orders')} columns={columns()} rows={value.items} keyOf={({ id }) => id} />
      )}
    </section>
  )
}

const columns = (): readonly Column<Order>[] => [
  { name: 'names', title: t('authorities.subject'), cell: ({ names }) => <strong>{names.join(', ')}</strong> },
  {
    name: 'status',
    title: t('authorities.state'),
    cell: ({ status, error, request }) => (
      <>
        <Badge tone={TONES[status]}>{status}</Badge>
        {error !== undefined && <p class="hint">{error}</p>}
        {request !== undefined && <p class="hint">{t('authorities.waitsAt', { n: request })}</p>}
      </>
    ),
  },
  {
    name: 'challenges',
    title: t('authorities.challenges'),
    cell: ({ challenges }) => challenges.map(({ type, status }) => `${type}: ${status}`).join(', ') || '–',
  },
  { name: 'account', title: t('authorities.account'), cell: ({ account }) => account },
  { name: 'expires', title: t('authorities.until'), cell: ({ expires }) => <RelativeTime at={expires} /> },
  {
    name: 'serial',
    title: t('authorities.serial'),
    cell: ({ serial }) => (serial === undefined ? '–' : <code>{serial}</code>),
  },
]

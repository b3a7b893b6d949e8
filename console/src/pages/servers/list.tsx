import { call, type OutputOf } from '../../api/client.ts'
import { useLive } from '../../api/use-live.ts'
import { Badge } from '../../components/badge.tsx'
import { hasDraft } from '../../components/drafts.ts'
import { ProblemState, Skeleton } from '../../components/states.tsx'
import { type Column, Table } from '../../components/table.tsx'
import { hrefOf, navigate, pathWith } from '../../router.ts'
import { labNow } from '../../state/clock.ts'
import { EXPIRES_SOON_DAYS } from '../../state/expiry.ts'
import { formatNumber, t } from '../../texts/index.ts'
import { draftKey } from './use-server.ts'

export type Server = OutputOf<'virtualServers.list'>['items'][number]

const DAY_MS = 86_400_000

/** A table of the virtual servers: state, ports, certificate, policy, and their traffic. */
export function ServerList() {
  // Everything but mail may change a virtual server or its traffic.
  const { value, problem, again } = useLive(
    () => call('virtualServers.list', {}),
    ({ name }) => !name.startsWith('message.'),
  )
  if (problem) return <ProblemState problem={problem} onRetry={() => void again()} />
  if (!value) return <Skeleton />
  return (
    <section class="servers-list" aria-label={t('servers.list')}>
      <h2>{t('servers.list')}</h2>
      <Table
        stacks
        caption={t('servers.list')}
        columns={columns()}
        rows={value.items}
        keyOf={({ id }) => id}
        onOpen={({ id }) => navigate(pathWith(['servers', id]))}
      />
    </section>
  )
}

const columns = (): readonly Column<Server>[] => [
  {
    name: 'name',
    title: t('servers.name'),
    sortBy: ({ name }) => name,
    cell: ({ id, name }) => (
      <a href={hrefOf(pathWith(['servers', id]))} onClick={(event) => event.preventDefault()}>
        {name}
        {hasDraft(draftKey(id)) && <Badge tone="warning">{t('shell.unsaved')}</Badge>}
      </a>
    ),
  },
  {
    name: 'protocol',
    title: t('servers.protocol'),
    sortBy: ({ protocol }) => protocol,
    cell: ({ protocol }) => protocol.toUpperCase(),
  },
  { name: 'state', title: t('servers.state'), cell: (server) => <State server={server} /> },
  { name: 'ports', title: t('servers.ports'), cell: (server) => <Ports server={server} /> },
  {
    name: 'certificate',
    title: t('servers.certificate'),
    sortBy: ({ certificate }) => certificate?.expiresAt ?? '',
    cell: ({ certificate }) => <CertificateCell certificate={certificate} />,
  },
  { name: 'policy', title: t('servers.policy'), cell: (server) => <Policy server={server} /> },
  {
    name: 'connections',
    title: t('servers.connectionsNow'),
    isNumber: true,
    sortBy: ({ traffic }) => traffic?.connections ?? 0,
    cell: ({ traffic }) =>
      traffic ? `${formatNumber(traffic.openConnections)} / ${formatNumber(traffic.connections)}` : '–',
  },
  {
    name: 'handshakes',
    title: t('servers.handshakes'),
    cell: ({ traffic }) => (traffic ? <Handshakes traffic={traffic} /> : '–'),
  },
]

const State = ({ server: { port, tlsPort } }: { readonly server: Server }) =>
  port === null && tlsPort === null ? (
    <Badge tone="bad">{t('servers.closed')}</Badge>
  ) : (
    <Badge tone="good">{t('servers.running')}</Badge>
  )

const Ports = ({ server: { address, port, tlsPort } }: { readonly server: Server }) => (
  <span title={address}>
    {[port, tlsPort === null ? null : `${tlsPort} (TLS)`].filter((one) => one !== null).join(', ')}
  </span>
)

/** A certificate with the days that it is still valid. */
export function CertificateCell({ certificate }: { readonly certificate: Server['certificate'] }) {
  if (!certificate) return <Badge>{t('servers.noCertificate')}</Badge>
  const { friendlyName, expiresAt } = certificate
  const days = expiresAt === undefined ? undefined : Math.floor((Date.parse(expiresAt) - labNow.value) / DAY_MS)
  return (
    <span class="certificate-cell">
      <span>{friendlyName}</span>
      {days !== undefined && (
        <Badge tone={days < 0 ? 'bad' : days < EXPIRES_SOON_DAYS ? 'warning' : 'neutral'}>
          {days < 0 ? t('servers.expired') : t('servers.daysLeft', { n: days })}
        </Badge>
      )}
    </span>
  )
}

function Policy({ server }: { readonly server: Server }) {
  const { requireSecureChannel, require128BitEncryption, legacyTls } = server
  return (
    <span class="policy-cell">
      {requireSecureChannel && <Badge tone="accent">{t('servers.secureOnly')}</Badge>}
      {require128BitEncryption && <Badge tone="accent">{t('servers.bits128')}</Badge>}
      {legacyTls && <Badge tone="warning">{t('servers.oldClients')}</Badge>}
      {!requireSecureChannel && !require128BitEncryption && !legacyTls && '–'}
    </span>
  )
}

function Handshakes({ traffic }: { readonly traffic: NonNullable<Server['traffic']> }) {
  const versions = Object.entries(traffic.handshakes).map(([version, n]) => `${version}: ${formatNumber(n)}`)
  return (
    <span class="policy-cell">
      {versions.length === 0 && traffic.failedHandshakes === 0 && '–'}
      {versions.join(', ')}
      {traffic.failedHandshakes > 0 && (
        <Badge tone="bad">{t('servers.failedHandshakes', { n: traffic.failedHandshakes })}</Badge>
      )}
    </span>
  )
}

import { Download, Trash2, Upload, WandSparkles } from 'lucide-preact'
import { call, urlTo } from '../../api/client.ts'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { isLeaving, removeUnlessUndone } from '../../components/removal.ts'
import { EmptyState } from '../../components/states.tsx'
import { type Column, Table } from '../../components/table.tsx'
import { navigate } from '../../router.ts'
import { icons } from '../../shell/icons.ts'
import { may } from '../../state/caller.ts'
import { isNarrow } from '../../state/media.ts'
import { t } from '../../texts/index.ts'
import type { Certificate, PendingRequest, VirtualServer } from './facts.ts'
import { Lifetime } from './lifetime.tsx'
import { openWizard, ServerTable } from './servers.tsx'
import type { Held } from './use-certificates.ts'

interface OverviewProps extends Held {
  readonly selected: string | undefined
  readonly onChange: () => Promise<void>
  /** Opens the dialog that imports a file. */
  readonly onImport: (files: readonly File[]) => void
}

/** All certificates, the pending requests, and what each virtual server serves. */
export function Overview({ certificates, requests, servers, selected, onChange, onImport }: OverviewProps) {
  const isCompact = selected !== undefined
  const shown = columns().filter(({ name }) => !(isCompact || isNarrow.value) || COMPACT.includes(name))
  return (
    <div class="certificates-overview sections">
      <section aria-label={t('certificates.list')}>
        <header>
          <h2>{t('certificates.list')}</h2>
          {may('administer') && (
            <div class="buttons">
              <Button icon={Upload} onClick={() => onImport([])}>
                {t('certificates.import')}
              </Button>
              <Button kind="primary" icon={WandSparkles} onClick={() => navigate('/certificates/wizard')}>
                {t('certificates.wizard')}
              </Button>
            </div>
          )}
        </header>
        {certificates.length === 0 ? (
          <EmptyState icon={icons.certificates} title={t('certificates.none')}>
            <p>{t('certificates.noneHint')}</p>
          </EmptyState>
        ) : (
          <Table
            stacks
            caption={t('certificates.list')}
            columns={shown}
            rows={certificates}
            keyOf={({ thumbprint }) => thumbprint}
            selected={selected}
            sorting={{ column: 'days', descending: false }}
            onOpen={({ thumbprint }) => navigate(`/certificates/${thumbprint}`)}
          />
        )}
        {may('administer') && <p class="hint">{t('certificates.dropHint')}</p>}
      </section>
      {!isCompact && requests.length > 0 && (
        <PendingRequests requests={requests} servers={servers} onChange={onChange} />
      )}
      {!isCompact && <ServerTable servers={servers} onChange={onChange} />}
    </div>
  )
}

/** Columns beside an open certificate, and on a phone. */
const COMPACT = ['name', 'days', 'usedBy']

const columns = (): readonly Column<Certificate>[] => [
  {
    name: 'name',
    title: t('certificates.friendlyName'),
    sortBy: (one) => one.friendlyName,
    cell: ({ friendlyName, replacedBy, notServed }) => (
      <>
        <strong>{friendlyName}</strong>
        {notServed && <Badge tone="bad">{t('certificates.unservable', { why: notServed })}</Badge>}
        {replacedBy && <span class="hint"> {t('certificates.replaced')}</span>}
      </>
    ),
  },
  { name: 'issuedTo', title: t('certificates.issuedTo'), sortBy: (one) => one.issuedTo, cell: (one) => one.issuedTo },
  { name: 'issuedBy', title: t('certificates.issuer'), sortBy: (one) => one.issuedBy, cell: (one) => one.issuedBy },
  {
    name: 'days',
    title: t('certificates.daysLeft'),
    sortBy: (one) => one.daysLeft,
    cell: (one) => <Lifetime certificate={one} />,
  },
  {
    name: 'usedBy',
    title: t('certificates.servedBy'),
    sortBy: (one) => one.usedBy.length,
    cell: ({ usedBy }) =>
      usedBy.length === 0 ? <span class="hint">{t('certificates.notServed')}</span> : <ServerNames names={usedBy} />,
  },
  { name: 'key', title: t('certificates.key'), sortBy: (one) => one.key, cell: (one) => one.key },
]

const ServerNames = ({ names }: { readonly names: readonly string[] }) => (
  <ul class="server-names">
    {names.map((name) => (
      <li key={name}>{name}</li>
    ))}
  </ul>
)

function PendingRequests({
  requests,
  servers,
  onChange,
}: {
  readonly requests: readonly PendingRequest[]
  readonly servers: readonly VirtualServer[]
  readonly onChange: () => Promise<void>
}) {
  const cancel = ({ id, virtualServer }: PendingRequest): void =>
    removeUnlessUndone(id, t('certificates.requestDeleted', { server: virtualServer }), () =>
      call('requests.cancel', { for: virtualServer }, { keepalive: true }).then(onChange),
    )
  return (
    <section aria-label={t('certificates.pending')}>
      <h2>{t('certificates.pending')}</h2>
      <Table
        stacks
        caption={t('certificates.pending')}
        rows={requests.filter(({ id }) => !isLeaving(id))}
        keyOf={({ id }) => id}
        columns={[
          {
            name: 'server',
            title: t('certificates.virtualServer'),
            cell: (one) => <strong>{one.virtualServer}</strong>,
          },
          {
            name: 'subject',
            title: t('certificates.subject'),
            cell: ({ subject }) =>
              subject
                .map(({ type, value }) => `${type}=${value}`)
                .toReversed()
                .join(', '),
          },
          {
            name: 'state',
            title: t('certificates.waitsFor'),
            cell: ({ queued }) => (
              <Badge tone="warning">
                {queued ? t('certificates.waitsForApproval', queued) : t('certificates.waitsForAnswer')}
              </Badge>
            ),
          },
          { name: 'since', title: t('certificates.since'), cell: (one) => <RelativeTime at={one.createdAt} /> },
          {
            name: 'actions',
            title: '',
            cell: (one) => {
              const server = servers.find(({ name }) => name === one.virtualServer)
              return (
                <div class="buttons">
                  {server && may('administer') && (
                    <Button onClick={() => openWizard(server)}>{t('certificates.process')}</Button>
                  )}
                  <a class="button" href={urlTo('requests.get', { for: one.virtualServer })} download="certreq.txt">
                    <Download size={16} aria-hidden="true" />
                    certreq.txt
                  </a>
                  {may('administer') && (
                    <Button
                      kind="plain"
                      icon={Trash2}
                      label={t('certificates.deleteRequest')}
                      onClick={() => cancel(one)}
                    />
                  )}
                </div>
              )
            },
          },
        ]}
      />
    </section>
  )
}

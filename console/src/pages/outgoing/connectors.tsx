import { type Column, Table } from '../../components/table.tsx'
import { navigate } from '../../router.ts'
import { isNarrow } from '../../state/media.ts'
import { formatNumber, t } from '../../texts/index.ts'
import { When } from './badges.tsx'
import { ConnectorDetails } from './connector.tsx'
import { type Connector, connectorPath, hostOf } from './facts.ts'

/** Columns that a phone has no room for. */
const WIDE = ['when', 'waiting', 'deferred']

interface ConnectorsProps {
  readonly connectors: readonly Connector[]
  readonly selected: string | undefined
}

/** The connectors with what each has done, and the one that is open. */
export function Connectors({ connectors, selected }: ConnectorsProps) {
  const open = connectors.find(({ id }) => id === selected)
  return (
    <section aria-label={t('outgoing.connectors')}>
      <h2>{t('outgoing.connectors')}</h2>
      <Table
        caption={t('outgoing.connectors')}
        columns={columns().filter(({ name }) => !isNarrow.value || !WIDE.includes(name))}
        rows={connectors}
        keyOf={({ id }) => id}
        selected={selected}
        onOpen={({ id }) => navigate(connectorPath(id === selected ? undefined : id))}
      />
      {open && <ConnectorDetails key={open.id} connector={open} />}
    </section>
  )
}

const columns = (): readonly Column<Connector>[] => [
  {
    name: 'name',
    title: t('outgoing.name'),
    sortBy: ({ name }) => name,
    cell: ({ name, domains }) => (
      <>
        <strong>{name}</strong>
        <span class="hint below">{domains.join(', ')}</span>
      </>
    ),
  },
  {
    name: 'host',
    title: t('outgoing.nextHost'),
    cell: (connector) => (
      <>
        <code>{hostOf(connector) ?? t('outgoing.byDns')}</code>
        {connector.lastError && (
          <span class="below failure" title={connector.lastError.text}>
            {connector.lastError.text}
          </span>
        )}
      </>
    ),
  },
  { name: 'when', title: t('outgoing.when'), cell: When },
  count('waiting', ({ queue }) => Object.values(queue).reduce((sum, one) => sum + one, 0)),
  count('sent', ({ sent }) => sent),
  count('deferred', ({ deferred }) => deferred),
  count('failed', ({ failed }) => failed),
]

const count = (
  name: 'waiting' | 'sent' | 'deferred' | 'failed',
  of: (connector: Connector) => number,
): Column<Connector> => ({
  name,
  title: t(`outgoing.count_${name}`),
  isNumber: true,
  sortBy: of,
  cell: (connector) => formatNumber(of(connector)),
})

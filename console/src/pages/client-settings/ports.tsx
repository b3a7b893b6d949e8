import { Badge } from '../../components/badge.tsx'
import { Copyable } from '../../components/copy-button.tsx'
import { Table } from '../../components/table.tsx'
import { isNarrow } from '../../state/media.ts'
import type { TextKey } from '../../texts/catalogue.ts'
import { t } from '../../texts/index.ts'
import type { Settings } from './facts.ts'

type Server = Settings['servers'][number]
type Security = Server['security']

export const securityText = (security: Security): string => t(`clientSettings.security_${security}`)

/** Columns on a phone. */
const NARROW = ['protocol', 'port', 'security']

/** Every way to connect to the lab, whatever a program would choose. */
export function PortTable({ settings: { servers } }: { readonly settings: Settings }) {
  const rows = servers.flatMap((server) => server.ports.map((own) => ({ ...server, ...own })))
  return (
    <section class="client-ports" aria-label={t('clientSettings.allPorts')}>
      <h2>{t('clientSettings.allPorts')}</h2>
      <Table
        caption={t('clientSettings.allPorts')}
        rows={rows}
        keyOf={({ protocol, port, security }) => `${protocol} ${port} ${security}`}
        columns={[
          {
            name: 'protocol',
            title: t('clientSettings.protocol'),
            cell: ({ protocol }: Server) => t(`clientSettings.purpose_${protocol}` as TextKey),
          },
          {
            name: 'server',
            title: t('clientSettings.server'),
            cell: ({ host }: Server) => <Copyable text={host} label={t('clientSettings.copyServer')} />,
          },
          {
            name: 'port',
            title: t('clientSettings.port'),
            cell: ({ port }: Server) => <Copyable text={`${port}`} label={t('clientSettings.copyPort')} />,
          },
          {
            name: 'security',
            title: t('clientSettings.security'),
            cell: ({ security }: Server) => (
              <Badge tone={security === 'none' ? 'warning' : 'good'}>{securityText(security)}</Badge>
            ),
          },
          {
            name: 'virtualServer',
            title: t('clientSettings.virtualServer'),
            cell: ({ virtualServer }: Server) => virtualServer,
          },
        ].filter(({ name }) => !isNarrow.value || NARROW.includes(name))}
      />
    </section>
  )
}

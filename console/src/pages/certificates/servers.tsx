import { Bug, WandSparkles } from 'lucide-preact'
import { useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { Button } from '../../components/button.tsx'
import { Table } from '../../components/table.tsx'
import { navigate, pathWith } from '../../router.ts'
import { may } from '../../state/caller.ts'
import { t } from '../../texts/index.ts'
import { DefectDialog } from './defect.tsx'
import type { VirtualServer } from './facts.ts'

/** Opens the wizard for one virtual server. */
export const openWizard = ({ id }: VirtualServer): void =>
  navigate(pathWith(['certificates', 'wizard'], { server: id }))

/** Shows the certificate that each virtual server serves. */
export function ServerTable({
  servers,
  onChange,
}: {
  readonly servers: readonly VirtualServer[]
  readonly onChange: () => void
}) {
  const [spoiling, setSpoiling] = useState<VirtualServer>()
  return (
    <section aria-label={t('certificates.virtualServers')}>
      <h2>{t('certificates.virtualServers')}</h2>
      <Table
        stacks
        caption={t('certificates.virtualServers')}
        rows={servers}
        keyOf={({ id }) => id}
        columns={[
          { name: 'name', title: t('certificates.virtualServer'), cell: ({ name }) => <strong>{name}</strong> },
          {
            name: 'ports',
            title: t('certificates.ports'),
            cell: ({ port, tlsPort }) =>
              [port, tlsPort === null ? null : `${tlsPort} (TLS)`].filter((one) => one !== null).join(', ') || '–',
          },
          {
            name: 'certificate',
            title: t('certificates.certificate'),
            cell: ({ certificate }) =>
              certificate ? (
                <Link href={`/certificates/${certificate.thumbprint}`}>{certificate.friendlyName}</Link>
              ) : (
                <span class="hint">{t('certificates.noCertificate')}</span>
              ),
          },
          {
            name: 'actions',
            title: '',
            cell: (server) =>
              may('administer') && (
                <div class="buttons">
                  <Button icon={WandSparkles} onClick={() => openWizard(server)}>
                    {t('certificates.change')}
                  </Button>
                  <Button kind="plain" icon={Bug} onClick={() => setSpoiling(server)}>
                    {t('certificates.serveDefect')}
                  </Button>
                </div>
              ),
          },
        ]}
      />
      {spoiling && (
        <DefectDialog
          server={spoiling}
          onClose={() => setSpoiling(undefined)}
          onDone={() => {
            setSpoiling(undefined)
            onChange()
          }}
        />
      )}
    </section>
  )
}

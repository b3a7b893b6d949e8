import { ArrowLeft, Download, Pencil, Plug, RefreshCw, Trash2, Unplug } from 'lucide-preact'
import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { call } from '../../api/client.ts'
import { problemOf } from '../../api/problem.ts'
import { useLive } from '../../api/use-live.ts'
import { Button } from '../../components/button.tsx'
import { Copyable, CopyButton } from '../../components/copy-button.tsx'
import { Fact } from '../../components/fact.tsx'
import { wholeTime } from '../../components/relative-time.tsx'
import { ProblemState, Skeleton } from '../../components/states.tsx'
import { notifyProblem } from '../../components/toast.tsx'
import { navigate } from '../../router.ts'
import { may } from '../../state/caller.ts'
import { t } from '../../texts/index.ts'
import { AssignDialog, ExportDialog, RenameDialog, RenewDialog } from './dialogs.tsx'
import { type Certificate, type CertificateDetails, serverNameOf, servingPorts, type VirtualServer } from './facts.ts'
import { Lifetime } from './lifetime.tsx'

interface CertificateViewProps {
  readonly thumbprint: string
  /** Grows with each change of the store. */
  readonly changes: number
  readonly servers: readonly VirtualServer[]
  readonly onChange: () => void
  readonly onDelete: (certificate: Certificate) => void
}

const dialogs = { assign: AssignDialog, rename: RenameDialog, renew: RenewDialog, export: ExportDialog }

/** One certificate: what it says, who serves it, and what can be done with it. */
export function CertificateView({ thumbprint, changes, servers, onChange, onDelete }: CertificateViewProps) {
  const { value: certificate, problem } = useLive(
    async () => (await call('certificates.get', { name: thumbprint })) as unknown as CertificateDetails,
    () => false,
    `${thumbprint} ${changes}`,
  )
  const [dialog, setDialog] = useState<keyof typeof dialogs>()
  if (problem) return <ProblemState problem={problem} />
  if (!certificate) return <Skeleton />
  const Shown = dialog && dialogs[dialog]
  return (
    <article class="certificate" aria-label={certificate.friendlyName}>
      <header>
        <Button
          kind="plain"
          class="certificate-back"
          icon={ArrowLeft}
          label={t('certificates.back')}
          onClick={() => navigate('/certificates')}
        />
        <h2>{certificate.friendlyName}</h2>
        <Lifetime certificate={certificate} />
      </header>
      {may('administer') && (
        <div class="buttons">
          <Button icon={Plug} onClick={() => setDialog('assign')}>
            {t('certificates.assign')}
          </Button>
          <Button icon={RefreshCw} onClick={() => setDialog('renew')}>
            {t('certificates.renew')}
          </Button>
          <Button icon={Download} onClick={() => setDialog('export')}>
            {t('certificates.export')}
          </Button>
          <Button icon={Pencil} onClick={() => setDialog('rename')}>
            {t('certificates.rename')}
          </Button>
          <Button
            icon={Trash2}
            disabled={certificate.usedBy.length > 0}
            title={certificate.usedBy.length > 0 ? t('certificates.inUse') : undefined}
            onClick={() => onDelete(certificate)}
          >
            {t('certificates.delete')}
          </Button>
        </div>
      )}
      <Facts certificate={certificate} />
      <Serving certificate={certificate} servers={servers} onChange={onChange} />
      {Shown && (
        <Shown
          certificate={certificate}
          servers={servers}
          onClose={() => setDialog(undefined)}
          onDone={(shown) => {
            setDialog(undefined)
            onChange()
            if (shown !== thumbprint) navigate(`/certificates/${shown}`)
          }}
        />
      )}
    </article>
  )
}

function Facts({ certificate }: { readonly certificate: CertificateDetails }) {
  const { subject, issuer, names, notBefore, notAfter, key, serial, purposes, origin, chain, state } = certificate
  const rows: readonly (readonly [string, ComponentChildren])[] = [
    [t('certificates.subject'), subject || '–'],
    [t('certificates.names'), names.map((name) => name.replace(/^(?:dns|ip):/, '')).join(', ') || '–'],
    [t('certificates.issuer'), issuer],
    [t('certificates.validFrom'), wholeTime(notBefore)],
    [t('certificates.validTo'), wholeTime(notAfter)],
    [t('certificates.key'), key],
    [t('certificates.purposes'), purposes.join(', ') || t('certificates.everyPurpose')],
    [t('certificates.revocation'), t(state === 'revoked' ? 'certificates.isRevoked' : 'certificates.notRevoked')],
    [t('certificates.origin'), t(`certificates.origin_${origin}`)],
    [t('certificates.serial'), <Copyable key="serial" text={serial} />],
    [t('certificates.thumbprint'), <Copyable key="thumbprint" text={certificate.thumbprint} />],
  ]
  return (
    <>
      <dl class="facts">
        {rows.map(([name, value]) => (
          <Fact key={name} name={name}>
            {value}
          </Fact>
        ))}
      </dl>
      <section>
        <h3>{t('certificates.chain')}</h3>
        <ol class="chain">
          {[...new Set([...(chain.length === 0 ? [issuer] : chain.toReversed()), subject])].map((one, depth) => (
            <li key={one} style={{ '--depth': `${depth}` }}>
              {one || '–'}
            </li>
          ))}
        </ol>
        <CopyButton text={certificate.certificatePem}>{t('certificates.copyPem')}</CopyButton>
      </section>
    </>
  )
}

/** The virtual servers that serve it, each with the commands that check it. */
function Serving({
  certificate,
  servers,
  onChange,
}: {
  readonly certificate: CertificateDetails
  readonly servers: readonly VirtualServer[]
  readonly onChange: () => void
}) {
  const { usedBy, names, issuedTo, notServed } = certificate
  const unassign = (server: string): Promise<void> =>
    call('certificates.unassign', { for: server }).then(onChange, (error) => notifyProblem(problemOf(error)))
  return (
    <section>
      <h3>{t('certificates.servedBy')}</h3>
      {notServed && <p class="bad">{t('certificates.unservable', { why: notServed })}</p>}
      {usedBy.length === 0 && <p class="hint">{t('certificates.notServedHint')}</p>}
      {servers
        .filter(({ name }) => usedBy.includes(name))
        .map((server) => (
          <div key={server.id} class="serving">
            <header>
              <strong>{server.name}</strong>
              {/* Certificates of `auto` are not assigned, so there is no assignment to remove. */}
              {may('administer') && certificate.origin !== 'auto' && (
                <Button kind="plain" icon={Unplug} onClick={() => unassign(server.name)}>
                  {t('certificates.unassign')}
                </Button>
              )}
            </header>
            {servingPorts(server, serverNameOf(names, issuedTo)).map(({ port, title, command }) => (
              <div key={port} class="serving-port">
                <span class="hint">
                  {title} {port}
                </span>
                <Copyable text={command} />
              </div>
            ))}
          </div>
        ))}
    </section>
  )
}

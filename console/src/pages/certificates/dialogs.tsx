import { useState } from 'preact/hooks'
import { call } from '../../api/client.ts'
import { Copyable } from '../../components/copy-button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Field, Form } from '../../components/form.tsx'
import { saveBlob } from '../../components/save-blob.ts'
import { t } from '../../texts/index.ts'
import type { Certificate, VirtualServer } from './facts.ts'
import { ServerChoice } from './import.tsx'

interface CertificateDialogProps {
  readonly certificate: Certificate
  readonly onClose: () => void
  /** Called after a change, with the thumbprint of the certificate to show. */
  readonly onDone: (thumbprint: string) => void
}

/** Assigns a certificate to a virtual server, in place of any other. */
export function AssignDialog({
  certificate: { thumbprint, friendlyName, usedBy },
  servers,
  onClose,
  onDone,
}: CertificateDialogProps & { readonly servers: readonly VirtualServer[] }) {
  const others = servers.filter(({ name }) => !usedBy.includes(name))
  const [server, setServer] = useState(others[0]?.name ?? servers[0]?.name ?? '')
  const replaced = servers.find(({ name }) => name === server)?.certificate
  return (
    <Dialog title={t('certificates.assign')} onClose={onClose} size="small">
      <Form
        submit={t('certificates.assign')}
        fields={[]}
        onSubmit={async () => {
          await call('certificates.assign', { name: thumbprint, for: server })
          onDone(thumbprint)
        }}
      >
        <ServerChoice servers={servers} value={server} onInput={setServer} />
        <p class="hint">
          {replaced
            ? t('certificates.assignReplaces', { name: friendlyName, replaced: replaced.friendlyName })
            : t('certificates.assignHint', { name: friendlyName })}
        </p>
      </Form>
    </Dialog>
  )
}

/** Gives a certificate another friendly name. */
export function RenameDialog({ certificate, onClose, onDone }: CertificateDialogProps) {
  const [friendlyName, setFriendlyName] = useState(certificate.friendlyName)
  return (
    <Dialog title={t('certificates.rename')} onClose={onClose} size="small">
      <Form
        submit={t('certificates.rename')}
        fields={['friendlyName']}
        onSubmit={async () => {
          await call('certificates.rename', { name: certificate.thumbprint, friendlyName })
          onDone(certificate.thumbprint)
        }}
      >
        <Field
          name="friendlyName"
          label={t('certificates.friendlyName')}
          value={friendlyName}
          onInput={setFriendlyName}
        />
      </Form>
    </Dialog>
  )
}

type Renewal = {
  readonly state: string
  readonly thumbprint?: string
  readonly authority?: string
  readonly pem?: string
}

/** Renews a certificate. Its authority answers immediately, queues the request, or is an outside one that it is sent to. */
export function RenewDialog({ certificate, onClose, onDone }: CertificateDialogProps) {
  const [newKey, setNewKey] = useState(false)
  const [renewal, setRenewal] = useState<Renewal>()
  const renew = async (): Promise<void> => {
    const found = (await call('certificates.renew', { name: certificate.thumbprint, newKey })) as Renewal
    if (found.thumbprint !== undefined) onDone(found.thumbprint)
    else setRenewal(found)
  }
  const close = (): void => (renewal ? onDone(certificate.thumbprint) : onClose())
  return (
    <Dialog title={t('certificates.renew')} onClose={close} size="small">
      {renewal ? (
        <>
          <p>
            {renewal.state === 'queued'
              ? t('certificates.renewQueued', { authority: renewal.authority ?? '' })
              : t('certificates.renewRequested')}
          </p>
          {renewal.pem && <Copyable text={renewal.pem} />}
        </>
      ) : (
        <Form submit={t('certificates.renew')} fields={[]} onSubmit={renew}>
          <p>{t('certificates.renewHint', { name: certificate.friendlyName })}</p>
          <label class="check">
            <input type="checkbox" checked={newKey} onInput={(event) => setNewKey(event.currentTarget.checked)} />
            {t('certificates.newKey')}
          </label>
        </Form>
      )}
    </Dialog>
  )
}

const formats = ['pfx', 'pem', 'cer', 'p7b'] as const
type Format = (typeof formats)[number]

/** Saves a certificate in a file, with its key or without. */
export function ExportDialog({ certificate, onClose }: Omit<CertificateDialogProps, 'onDone'>) {
  const [format, setFormat] = useState<Format>('pfx')
  const [password, setPassword] = useState('')
  const isWithKey = format === 'pfx' || format === 'pem'
  const save = async (): Promise<void> => {
    const given = isWithKey && password !== '' ? password : undefined
    const content: unknown = await call('certificates.export', {
      name: certificate.thumbprint,
      format,
      password: given,
    })
    saveBlob(content as Blob, `${certificate.friendlyName}.${format}`)
    onClose()
  }
  return (
    <Dialog title={t('certificates.export')} onClose={onClose} size="small">
      <Form submit={t('certificates.download')} fields={['password']} onSubmit={save}>
        <fieldset class="choices">
          <legend>{t('certificates.format')}</legend>
          {formats.map((name) => (
            <label key={name} class="check">
              <input type="radio" name="format" checked={format === name} onInput={() => setFormat(name)} />
              {t(`certificates.format_${name}`)}
            </label>
          ))}
        </fieldset>
        {isWithKey && (
          <Field
            name="password"
            type="password"
            label={t('certificates.password')}
            hint={t(format === 'pfx' ? 'certificates.pfxPassword' : 'certificates.pemPassword')}
            autocomplete="new-password"
            value={password}
            onInput={setPassword}
          />
        )}
      </Form>
    </Dialog>
  )
}

import { useState } from 'preact/hooks'
import { type DefectName, defectNames } from '../../../../src/config/schema/defect-names.ts'
import { call, type InputOf } from '../../api/client.ts'
import { Dialog } from '../../components/dialog.tsx'
import { Form } from '../../components/form.tsx'
import { t } from '../../texts/index.ts'
import type { VirtualServer } from './facts.ts'

type Setting = NonNullable<InputOf<'virtualServers.update'>['certificate']>

/** Serves the certificate of the lab again. */
const GOOD = 'auto'

/** Lets a virtual server serve a certificate with a defect, or a good one again. The configuration says so. */
export function DefectDialog({
  server,
  onClose,
  onDone,
}: {
  readonly server: VirtualServer
  readonly onClose: () => void
  readonly onDone: () => void
}) {
  const [choice, choose] = useState<DefectName | typeof GOOD>(defectNames[0])
  const serve = async (): Promise<void> => {
    const certificate: Setting = choice === GOOD ? GOOD : { defect: choice }
    // The operation has a default for `dryRun`, which the type requires.
    await call('virtualServers.update', { id: server.id, certificate, dryRun: false })
    onDone()
  }
  return (
    <Dialog title={t('certificates.serveDefect')} onClose={onClose}>
      <p>{t('certificates.defectHint', { server: server.name })}</p>
      <Form submit={t('certificates.serve')} fields={[]} onSubmit={serve}>
        <div class="field">
          <label for="defect">{t('certificates.defect')}</label>
          <select id="defect" value={choice} onInput={(event) => choose(event.currentTarget.value as typeof choice)}>
            {defectNames.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
            <option value={GOOD}>{t('certificates.goodAgain')}</option>
          </select>
          <p class="hint">
            <code>{choice === GOOD ? 'certificate: auto' : `certificate: { defect: ${choice} }`}</code>
          </p>
        </div>
      </Form>
    </Dialog>
  )
}

import { useState } from 'preact/hooks'
import { call, type InputOf } from '../../api/client.ts'
import { Dialog } from '../../components/dialog.tsx'
import { Form } from '../../components/form.tsx'
import { t } from '../../texts/index.ts'
import type { VirtualServer } from './facts.ts'

type Setting = NonNullable<InputOf<'virtualServers.update'>['certificate']>
type Defect = Extract<Setting, { defect: unknown }>['defect']

/** The defects of the configuration, as `docs/testing.md` describes them. */
const defects: readonly Defect[] = [
  'expired',
  'not-yet-valid',
  'wrong-host',
  'self-signed',
  'untrusted-root',
  'incomplete-chain',
  'reversed-chain',
  'revoked',
  'no-san',
  'no-subject',
  'weak-key',
  'weak-key-512',
  'sha1-signature',
  'md5-signature',
  'wrong-purpose',
  'ca-as-leaf',
  'name-constraint-violated',
  'thousand-sans',
  'rsa-8192',
  'ip-only',
  'wildcard',
  'must-staple-without-staple',
]

/** What the dialog offers besides defects: the certificate of the lab again. */
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
  const [choice, choose] = useState<string>(defects[0] as Defect)
  const serve = async (): Promise<void> => {
    const certificate: Setting = choice === GOOD ? GOOD : { defect: choice as Defect }
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
          <select id="defect" value={choice} onInput={(event) => choose(event.currentTarget.value)}>
            {defects.map((name) => (
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

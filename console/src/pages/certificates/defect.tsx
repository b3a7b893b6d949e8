import { useState } from 'preact/hooks'
import { call, type InputOf } from '../../api/client.ts'
import { useLive } from '../../api/use-live.ts'
import { Dialog } from '../../components/dialog.tsx'
import { Form } from '../../components/form.tsx'
import { ProblemState, Skeleton } from '../../components/states.tsx'
import { t } from '../../texts/index.ts'
import type { VirtualServer } from './facts.ts'

type Setting = NonNullable<InputOf<'virtualServers.update'>['certificate']>

/** Serves the certificate of the lab again. */
const GOOD = 'auto'

interface DefectDialogProps {
  readonly server: VirtualServer
  readonly onClose: () => void
  readonly onDone: () => void
}

/** Lets a virtual server serve a certificate with a defect, or a good one again. The configuration says so. */
export function DefectDialog({ server, onClose, onDone }: DefectDialogProps) {
  const { value, problem, again } = useLive(
    () => call('certificateDefects.list', {}),
    () => false,
  )
  const [chosen, choose] = useState<string>()
  const choice = value?.items.find(({ name }) => name === chosen) ?? (chosen === GOOD ? undefined : value?.items[0])
  const serve = async (): Promise<void> => {
    const certificate = choice ? { [choice.kind]: choice.name } : GOOD
    // The operation has a default for `dryRun`, which the type requires.
    await call('virtualServers.update', { id: server.id, certificate: certificate as Setting, dryRun: false })
    onDone()
  }
  return (
    <Dialog title={t('certificates.serveDefect')} onClose={onClose}>
      <p>{t('certificates.defectHint', { server: server.name })}</p>
      {problem && <ProblemState problem={problem} onRetry={() => void again()} />}
      {!value && !problem && <Skeleton lines={3} />}
      {value && (
        <Form submit={t('certificates.serve')} fields={[]} onSubmit={serve}>
          <div class="field">
            <label for="defect">{t('certificates.defect')}</label>
            <select
              id="defect"
              aria-describedby="defect-meaning"
              value={choice?.name ?? GOOD}
              onInput={(event) => choose(event.currentTarget.value)}
            >
              {(['defect', 'variant'] as const).map((kind) => (
                <optgroup key={kind} label={t(`certificates.kind_${kind}`)}>
                  {value.items
                    .filter((one) => one.kind === kind)
                    .map(({ name }) => (
                      <option key={name} value={name}>
                        {name}
                      </option>
                    ))}
                </optgroup>
              ))}
              <option value={GOOD}>{t('certificates.goodAgain')}</option>
            </select>
            <p id="defect-meaning">{choice?.meaning}</p>
            <p class="hint">
              <code>{choice ? `certificate: { ${choice.kind}: ${choice.name} }` : 'certificate: auto'}</code>
            </p>
          </div>
        </Form>
      )}
    </Dialog>
  )
}

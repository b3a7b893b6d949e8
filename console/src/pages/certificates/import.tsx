import { useEffect, useState } from 'preact/hooks'
import { call } from '../../api/client.ts'
import { problemOf } from '../../api/problem.ts'
import { Dialog } from '../../components/dialog.tsx'
import { Field, Form } from '../../components/form.tsx'
import { notifyProblem } from '../../components/toast.tsx'
import { t } from '../../texts/index.ts'
import type { PendingRequest, VirtualServer } from './facts.ts'
import { CertificateSummary, type Summary } from './summary.tsx'

/** The files that certificates come in. */
export const CERTIFICATE_FILES = '.cer,.crt,.der,.pem,.p7b,.p7c,.pfx,.p12'

/** Installs an authority's answer to a pending request. @throws Problem */
export const installAnswer = (
  file: Blob,
  server?: string,
  options: { readonly force?: boolean; readonly dryRun?: boolean } = {},
) => call('requests.install', { for: server, ...options }, { body: file, type: 'application/octet-stream' })

/** Returns whether a file has a private key: it is imported then. Otherwise it is the answer to a request. */
export async function hasKey(file: File): Promise<boolean> {
  return /\.(?:pfx|p12)$/i.test(file.name) || (await file.text()).includes('PRIVATE KEY-----')
}

interface ImportDialogProps {
  /** Chosen already: it was dropped on the page. */
  readonly file: File | undefined
  readonly requests: readonly PendingRequest[]
  readonly servers: readonly VirtualServer[]
  readonly onClose: () => void
  readonly onDone: (thumbprint: string) => void
}

/** Imports a certificate with its key, or installs the answer to a pending request: the file decides. */
export function ImportDialog({ file: dropped, requests, servers, onClose, onDone }: ImportDialogProps) {
  const [file, setFile] = useState(dropped)
  const [withKey, setWithKey] = useState<boolean>()
  const [password, setPassword] = useState('')
  const [friendlyName, setFriendlyName] = useState('')
  const [server, setServer] = useState('')
  useEffect(() => {
    if (!file) return
    let isLatest = true
    hasKey(file).then(
      (found) => isLatest && setWithKey(found),
      // A folder that was dropped cannot be read.
      (error) => isLatest && notifyProblem(problemOf(error)),
    )
    return () => {
      isLatest = false
    }
  }, [file])
  const send = async (): Promise<void> => {
    if (!file) return
    const { thumbprint } = await install(file, false)
    onDone(thumbprint)
  }
  const install = (content: Blob, dryRun: boolean): Promise<Summary> =>
    withKey
      ? call(
          'certificates.import',
          {
            password: password || undefined,
            friendlyName: friendlyName.trim() || undefined,
            for: server || undefined,
            dryRun,
          },
          { body: content, type: 'application/octet-stream' },
        )
      : installAnswer(content, server || undefined, { dryRun })
  const summary = useSummary(
    file && withKey !== undefined ? () => install(file, true) : undefined,
    `${file?.name} ${withKey} ${password} ${friendlyName} ${server}`,
  )
  return (
    <Dialog title={t('certificates.import')} onClose={onClose}>
      <Form submit={t('certificates.import')} fields={['password', 'friendlyName']} onSubmit={send}>
        <div class="field">
          <label for="certificate-file">{t('certificates.file')}</label>
          {dropped ? (
            <p>
              <strong>{dropped.name}</strong>
            </p>
          ) : (
            <input
              id="certificate-file"
              type="file"
              accept={CERTIFICATE_FILES}
              onChange={(event) => setFile(event.currentTarget.files?.[0])}
            />
          )}
          <p class="hint">
            {withKey === undefined
              ? t('certificates.fileHint')
              : withKey
                ? t('certificates.fileWithKey')
                : t('certificates.fileIsAnswer', { n: requests.length })}
          </p>
        </div>
        {withKey && (
          <>
            <Field
              name="password"
              type="password"
              label={t('certificates.password')}
              hint={t('certificates.passwordHint')}
              autocomplete="off"
              value={password}
              onInput={setPassword}
            />
            <Field
              name="friendlyName"
              label={t('certificates.friendlyName')}
              hint={t('certificates.friendlyNameHint')}
              value={friendlyName}
              onInput={setFriendlyName}
            />
          </>
        )}
        {withKey !== undefined && (
          <ServerChoice
            servers={
              withKey ? servers : servers.filter(({ name }) => requests.some((one) => one.virtualServer === name))
            }
            missing={withKey ? t('certificates.doNotAssign') : t('certificates.anyRequest')}
            value={server}
            onInput={setServer}
          />
        )}
        {summary && (
          <section aria-label={t('certificates.inFile')} aria-live="polite">
            <h3>{t('certificates.inFile')}</h3>
            <CertificateSummary summary={summary} />
          </section>
        )}
      </Form>
    </Dialog>
  )
}

/** A pause in typing after which the file is read again. */
const PAUSE_MS = 300

/** Asks the lab what would be installed, after a pause in typing. Nothing until the answers are complete: Import says why. */
function useSummary(inspect: (() => Promise<Summary>) | undefined, key: string): Summary | undefined {
  const [found, setFound] = useState<{ readonly key: string; readonly summary: Summary }>()
  useEffect(() => {
    if (!inspect) return
    let isLatest = true
    const timer = setTimeout(() => {
      inspect().then(
        (summary) => isLatest && setFound({ key, summary }),
        () => isLatest && setFound(undefined),
      )
    }, PAUSE_MS)
    return () => {
      isLatest = false
      clearTimeout(timer)
    }
  }, [key])
  return found?.key === key ? found.summary : undefined
}

/** A choice among virtual servers. */
export function ServerChoice({
  servers,
  missing,
  value,
  onInput,
}: {
  readonly servers: readonly VirtualServer[]
  /** The meaning of no choice. Absent: one must be chosen. */
  readonly missing?: string
  readonly value: string
  readonly onInput: (name: string) => void
}) {
  return (
    <div class="field">
      <label for="virtual-server">{t('certificates.virtualServer')}</label>
      <select id="virtual-server" value={value} onInput={(event) => onInput(event.currentTarget.value)}>
        {missing !== undefined && <option value="">{missing}</option>}
        {servers.map(({ id, name }) => (
          <option key={id} value={name}>
            {name}
          </option>
        ))}
      </select>
    </div>
  )
}

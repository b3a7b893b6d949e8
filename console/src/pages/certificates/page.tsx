import { useState } from 'preact/hooks'
import { call } from '../../api/client.ts'
import { isLeaving, removeUnlessUndone } from '../../components/removal.ts'
import { SplitPane } from '../../components/split-pane.tsx'
import { ProblemState, Skeleton } from '../../components/states.tsx'
import { navigate, useRoute } from '../../router.ts'
import { may } from '../../state/caller.ts'
import { t } from '../../texts/index.ts'
import { CertificateView } from './certificate.tsx'
import type { Certificate } from './facts.ts'
import { ImportDialog } from './import.tsx'
import { Overview } from './overview.tsx'
import { useCertificates } from './use-certificates.ts'
import { Wizard } from './wizard/wizard.tsx'
import './certificates.css'

/** The certificates of the store: who uses them, how long they last, and everything that can be done with them. */
export default function CertificatesPage() {
  const { rest } = useRoute()
  const [selected] = rest
  const { value: held, problem, again, reads } = useCertificates()
  const [files, setFiles] = useState<readonly File[]>()
  const remove = ({ thumbprint, friendlyName }: Certificate): void => {
    if (selected === thumbprint) navigate('/certificates')
    removeUnlessUndone(thumbprint, t('certificates.deleted', { name: friendlyName }), () =>
      call('certificates.delete', { name: thumbprint }, { keepalive: true }).then(again),
    )
  }
  if (problem) return <ProblemState problem={problem} onRetry={() => void again()} />
  if (!held) return <Skeleton />
  if (selected === 'wizard' && may('administer')) {
    return (
      <div class="certificates">
        <Wizard held={held} onChange={again} />
      </div>
    )
  }
  const certificates = held.certificates.filter(({ thumbprint }) => !isLeaving(thumbprint))
  const overview = (
    <Overview {...held} certificates={certificates} selected={selected} onChange={again} onImport={setFiles} />
  )
  return (
    <div
      class={`certificates ${selected === undefined ? '' : 'has-selection'}`}
      onDragOver={(event) => may('administer') && event.preventDefault()}
      onDrop={(event) => {
        if (!may('administer') || !event.dataTransfer?.files.length) return
        event.preventDefault()
        setFiles([...event.dataTransfer.files])
      }}
    >
      {selected === undefined ? (
        overview
      ) : (
        <SplitPane name="certificates.list" label={t('certificates.list')} width={520} min={320} max={900}>
          {overview}
          <CertificateView
            key={selected}
            thumbprint={selected}
            changes={reads}
            servers={held.servers}
            onChange={again}
            onDelete={remove}
          />
        </SplitPane>
      )}
      {files && (
        <ImportDialog
          file={files[0]}
          {...held}
          onClose={() => setFiles(undefined)}
          onDone={(thumbprint) => {
            setFiles(undefined)
            again()
            navigate(`/certificates/${thumbprint}`)
          }}
        />
      )}
    </div>
  )
}

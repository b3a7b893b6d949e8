import { Columns2, Undo2 } from 'lucide-preact'
import { useState } from 'preact/hooks'
import { useLoaded } from '../../api/use-loaded.ts'
import { Button } from '../../components/button.tsx'
import { may, seesLab } from '../../state/caller.ts'
import { t } from '../../texts/index.ts'
import type { Message } from './use-message.ts'

/** The dialogs are loaded when they are opened. */
const dialogs = {
  report: async () => (await import('./report.tsx')).Report,
  compare: async () => (await import('./compare.tsx')).Compare,
}

/** Reports to the sender of a message, and a comparison with another one. */
export function MessageActions({ message }: { readonly message: Message }) {
  const [asked, setAsked] = useState<keyof typeof dialogs>()
  const hasSender = message.envelope !== null && message.envelope.from !== ''
  return (
    <>
      {message.newsgroup === null && hasSender && seesLab() && may('administer') && (
        <Button kind="plain" icon={Undo2} label={t('mail.report')} onClick={() => setAsked('report')} />
      )}
      <Button kind="plain" icon={Columns2} label={t('mail.compare')} onClick={() => setAsked('compare')} />
      {asked && <Opened key={asked} name={asked} message={message} onClose={() => setAsked(undefined)} />}
    </>
  )
}

interface OpenedProps {
  readonly name: keyof typeof dialogs
  readonly message: Message
  readonly onClose: () => void
}

function Opened({ name, ...rest }: OpenedProps) {
  const { value } = useLoaded(name, async () => ({ View: await dialogs[name]() }))
  return value ? <value.View {...rest} /> : null
}

import { useState } from 'preact/hooks'
import { call } from '../../api/client.ts'
import { Dialog } from '../../components/dialog.tsx'
import { Choice, Form } from '../../components/form.tsx'
import { wholeTime } from '../../components/relative-time.tsx'
import { notify } from '../../components/toast.tsx'
import { t } from '../../texts/index.ts'
import type { Message } from './use-message.ts'

/** The reports that the lab sends, as the local parts of addresses ask for them. docs/bounces.md */
const KINDS = {
  bounce: {
    details: ['5.1.1', '5.2.2', '5.7.1', '4.2.2', '5.3.4', '550', 'delayed', 'delivered', 'relayed', 'expanded'],
    forms: ['standard', 'postfix', 'exim', 'exchange2003', 'microsoft365', 'gmail', 'qmail'],
  },
  complaint: { details: ['abuse', 'fraud', 'virus', 'other', 'not-spam'], forms: ['standard', 'headers'] },
  vacation: { details: ['reply'], forms: ['standard', 'microsoft365', 'gmail'] },
} as const

type Kind = keyof typeof KINDS
const kinds = Object.keys(KINDS) as Kind[]

/** Sends a bounce, a complaint or an out-of-office reply to the sender of a message. */
export function Report({
  message: { id, envelope },
  onClose,
}: {
  readonly message: Message
  readonly onClose: () => void
}) {
  const [kind, setKind] = useState<Kind>('bounce')
  const [detail, setDetail] = useState<string>()
  const [form, setForm] = useState('standard')
  const { details, forms } = KINDS[kind]
  const report = `${kind}+${detail ?? details[0]}${form === 'standard' ? '' : `.${form}`}`
  const send = async (): Promise<void> => {
    const { from, dueAt } = await call('messages.report', { id, report })
    notify(t('mail.reported', { to: from, at: wholeTime(dueAt) }))
    onClose()
  }
  const words = (values: readonly string[]) => values.map((value) => ({ value, label: value }))
  return (
    <Dialog title={t('mail.report')} onClose={onClose}>
      <Form submit={t('mail.reportSend')} fields={['kind', 'detail', 'form']} onSubmit={send}>
        <Choice
          name="kind"
          label={t('mail.reportKind')}
          hint={t('mail.reportHint', { to: envelope?.from ?? '' })}
          value={kind}
          choices={kinds.map((value) => ({ value, label: t(`mail.report_${value}`) }))}
          onChoose={(next) => {
            setKind(next)
            setDetail(undefined)
            setForm('standard')
          }}
        />
        {details.length > 1 && (
          <Choice
            name="detail"
            label={t('mail.reportDetail')}
            value={detail ?? details[0]}
            choices={words(details)}
            onChoose={setDetail}
          />
        )}
        <Choice name="form" label={t('mail.reportForm')} value={form} choices={words(forms)} onChoose={setForm} />
        <p class="hint">
          <code>{report}</code>
        </p>
      </Form>
    </Dialog>
  )
}

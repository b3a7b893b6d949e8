import { useEffect, useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { call, type Schemas } from '../../api/client.ts'
import { type Problem, problemOf } from '../../api/problem.ts'
import { CopyButton } from '../../components/copy-button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Choice, Field, Form } from '../../components/form.tsx'
import { Skeleton } from '../../components/states.tsx'
import { notify } from '../../components/toast.tsx'
import { t } from '../../texts/index.ts'
import { NO_CONNECTOR } from './no-connector.ts'
import type { Message } from './use-message.ts'

interface ReleaseProps {
  readonly message: Pick<Message, 'id' | 'subject' | 'envelope' | 'to' | 'cc'>
  readonly onClose: () => void
}

/** Sends a message to other hosts. Shows before what the connector makes of it. */
export function Release({ message, onClose }: ReleaseProps) {
  const { id, subject } = message
  const [connectors, setConnectors] = useState<readonly Schemas['Connector'][]>()
  const [recipients, setRecipients] = useState<readonly string[]>([])
  const [problem, setProblem] = useState<Problem>()
  useEffect(() => {
    const start = async (): Promise<void> => {
      const { items } = await call('connectors.list', {})
      // A refusal is shown beside the form, which asks again.
      const plan = await call('messages.release', { id, dryRun: true }).catch(() => undefined)
      setRecipients(plan?.to ?? recipientsOf(message))
      setConnectors(items)
    }
    start().catch((error) => setProblem(problemOf(error)))
  }, [id])
  return (
    <Dialog title={t('mail.releaseTitle', { subject: subject || t('mail.noSubject') })} onClose={onClose}>
      {problem ? (
        <p class="form-problem" role="alert">
          {problem.message}
        </p>
      ) : connectors === undefined ? (
        <Skeleton lines={3} />
      ) : connectors.length === 0 ? (
        <div class="release-none">
          <p>{t('mail.releaseNoConnector')}</p>
          <div class="example">
            <pre tabIndex={0}>{NO_CONNECTOR}</pre>
            <CopyButton text={NO_CONNECTOR} />
          </div>
        </div>
      ) : (
        <ReleaseForm id={id} recipients={recipients} connectors={connectors} onClose={onClose} />
      )}
    </Dialog>
  )
}

/** A pause in typing after which the plan is made again. */
const PAUSE_MS = 300

interface FormProps {
  readonly id: string
  readonly recipients: readonly string[]
  readonly connectors: readonly Schemas['Connector'][]
  readonly onClose: () => void
}

function ReleaseForm({ id, recipients: first, connectors, onClose }: FormProps) {
  const [to, setTo] = useState(first.join(', '))
  const [connector, setConnector] = useState('')
  const { plan, refusal } = usePlan(id, to, connector)
  const release = async (): Promise<void> => {
    const { deliveries } = await call('messages.release', inputOf(id, to, connector))
    const recipients = [...new Set(deliveries.flatMap((one) => one.recipients))]
    notify(t('mail.released', { recipients: recipients.join(', ') }))
    onClose()
  }
  const choices = [
    { value: '', label: t('mail.releaseAny') },
    ...connectors.filter(({ when }) => when !== 'never').map(({ name }) => ({ value: name, label: name })),
  ]
  return (
    <Form submit={t('mail.releaseSend')} fields={['to', 'connector']} onSubmit={release}>
      <Field
        name="to"
        label={t('mail.releaseTo')}
        hint={t('mail.releaseToHint')}
        value={to}
        onInput={setTo}
        autocomplete="off"
        autofocus
      />
      <Choice
        name="connector"
        label={t('mail.releaseConnector')}
        value={connector}
        choices={choices}
        onChoose={setConnector}
      />
      <section class="release-plan" aria-label={t('mail.releasePlan')} aria-live="polite">
        <h3>{t('mail.releasePlan')}</h3>
        {refusal && (
          <p class="release-refusal">
            <strong>{t('mail.releaseNothing')}:</strong> {refusal.message}
          </p>
        )}
        {plan && <Plan plan={plan} />}
        <p>
          <Link href="/outgoing" onClick={onClose}>
            {t('shell.outgoing')}
          </Link>
        </p>
      </section>
    </Form>
  )
}

type ReleasePlan = Schemas['ReleasedMessage']

const Plan = ({ plan: { to, deliveries } }: { readonly plan: ReleasePlan }) => (
  <ul>
    {deliveries.map(({ connector, destination, mailFrom, recipients }) => (
      <li key={`${connector} ${destination}`}>
        {t('mail.releaseDelivery', {
          recipients: recipients.join(', '),
          connector,
          destination,
          from: mailFrom || '<>',
        })}
        {!recipients.every((one) => to.includes(one)) && (
          <span class="hint">{t('mail.releaseInstead', { recipients: to.join(', ') })}</span>
        )}
      </li>
    ))}
  </ul>
)

/** Asks the lab what would be sent, after a pause in typing. */
function usePlan(id: string, to: string, connector: string): { plan?: ReleasePlan; refusal?: Problem } {
  const [found, setFound] = useState<{ plan?: ReleasePlan; refusal?: Problem }>({})
  useEffect(() => {
    const end = new AbortController()
    const timer = setTimeout(() => {
      call('messages.release', { ...inputOf(id, to, connector), dryRun: true }, { signal: end.signal }).then(
        (plan) => setFound({ plan }),
        (error: Error) => error.name === 'AbortError' || setFound({ refusal: problemOf(error) }),
      )
    }, PAUSE_MS)
    return () => {
      clearTimeout(timer)
      end.abort()
    }
  }, [id, to, connector])
  return found
}

const inputOf = (id: string, to: string, connector: string) => ({
  id,
  to: to
    .split(/[\s,;]+/)
    .map((one) => one.replace(/^<|>$/g, ''))
    .filter((one) => one !== ''),
  ...(connector === '' ? {} : { connector }),
})

/** Returns who gets the message without a choice: the recipients of its envelope, or of its header. */
const recipientsOf = ({ envelope, to, cc }: ReleaseProps['message']): readonly string[] =>
  envelope && envelope.to.length > 0 ? envelope.to : [...to, ...cc].map(({ address }) => address)

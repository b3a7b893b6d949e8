import { useEffect, useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { call, type InputOf, type OutputOf, type Schemas } from '../../api/client.ts'
import { type Problem, problemOf } from '../../api/problem.ts'
import { CopyButton } from '../../components/copy-button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Choice, Field, Form } from '../../components/form.tsx'
import { Skeleton } from '../../components/states.tsx'
import { notify } from '../../components/toast.tsx'
import { t } from '../../texts/index.ts'
import { NO_CONNECTOR } from './no-connector.ts'
import { type Plan, ReleasePlan } from './release-plan.tsx'

type Selection = InputOf<'messages.releaseMany'>

interface ReleaseProps {
  readonly title: string
  /** Ids of messages, or a search. */
  readonly messages: Selection
  /** The recipients of a single message if the connectors do not set them. Absent for several messages: each has its own. */
  readonly recipients?: readonly string[]
  readonly onClose: () => void
}

/** Sends messages to other hosts. Shows the plan first. */
export function Release({ title, messages, recipients, onClose }: ReleaseProps) {
  const [connectors, setConnectors] = useState<readonly Schemas['Connector'][]>()
  const [to, setTo] = useState<readonly string[]>([])
  const [problem, setProblem] = useState<Problem>()
  useEffect(() => {
    const start = async (): Promise<void> => {
      const { items } = await call('connectors.list', {})
      if (recipients) {
        // A refusal is shown beside the form, which asks again.
        const plan = await call('messages.releaseMany', { ...messages, dryRun: true })
        setTo(plan.released[0]?.to ?? recipients)
      }
      setConnectors(items)
    }
    start().catch((error) => setProblem(problemOf(error)))
  }, [])
  return (
    <Dialog title={title} onClose={onClose}>
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
        <ReleaseForm messages={messages} first={to} isOne={!!recipients} connectors={connectors} onClose={onClose} />
      )}
    </Dialog>
  )
}

interface FormProps {
  readonly messages: Selection
  /** The recipients at first. */
  readonly first: readonly string[]
  readonly isOne: boolean
  readonly connectors: readonly Schemas['Connector'][]
  readonly onClose: () => void
}

function ReleaseForm({ messages, first, isOne, connectors, onClose }: FormProps) {
  const [to, setTo] = useState(first.join(', '))
  const [connector, setConnector] = useState('')
  const input = inputOf(messages, to, connector)
  const { plan, refusal } = usePlan(input)
  const release = async (): Promise<void> => {
    const { released } = await call('messages.releaseMany', input)
    // The plan says why nothing is sent.
    if (released.length === 0) return
    const recipients = new Set(released.flatMap(({ deliveries }) => deliveries).flatMap((one) => one.recipients))
    notify(t('mail.released', { recipients: [...recipients].join(', ') }))
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
        hint={t(isOne ? 'mail.releaseToHint' : 'mail.releaseToManyHint')}
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
        {plan && <ReleasePlan plan={plan} />}
        <p>
          <Link href="/outgoing" onClick={onClose}>
            {t('shell.outgoing')}
          </Link>
        </p>
      </section>
    </Form>
  )
}

/** A pause in typing after which the plan is made again. */
const PAUSE_MS = 300

/** Asks the lab what would be sent, after a pause in typing. */
function usePlan(input: Selection): { readonly plan?: Plan; readonly refusal?: Problem } {
  const [found, setFound] = useState<{ readonly plan?: Plan; readonly refusal?: Problem }>({})
  useEffect(() => {
    const end = new AbortController()
    const timer = setTimeout(() => {
      call('messages.releaseMany', { ...input, dryRun: true }, { signal: end.signal }).then(
        (plan: OutputOf<'messages.releaseMany'>) => setFound({ plan }),
        (error: Error) => error.name === 'AbortError' || setFound({ refusal: problemOf(error) }),
      )
    }, PAUSE_MS)
    return () => {
      clearTimeout(timer)
      end.abort()
    }
  }, [JSON.stringify(input)])
  return found
}

function inputOf(messages: Selection, to: string, connector: string): Selection {
  const recipients = to
    .split(/[\s,;]+/)
    .map((one) => one.replace(/^<|>$/g, ''))
    .filter((one) => one !== '')
  return {
    ...messages,
    ...(recipients.length === 0 ? {} : { to: recipients }),
    ...(connector === '' ? {} : { connector }),
  }
}

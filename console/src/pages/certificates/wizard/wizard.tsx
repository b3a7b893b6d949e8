import { useEffect, useRef, useState } from 'preact/hooks'
import { call, type OutputOf } from '../../../api/client.ts'
import { problemOf } from '../../../api/problem.ts'
import { Button } from '../../../components/button.tsx'
import { Dialog } from '../../../components/dialog.tsx'
import { Form } from '../../../components/form.tsx'
import { notifyProblem } from '../../../components/toast.tsx'
import { navigate, pathWith, useRoute } from '../../../router.ts'
import { t } from '../../../texts/index.ts'
import { hasKey, ServerChoice } from '../import.tsx'
import { CertificateSummary, type Summary } from '../summary.tsx'
import type { Held } from '../use-certificates.ts'
import {
  type Action,
  type Answers,
  type Authority,
  checkAnswers,
  fieldsOfPage,
  pagesOf,
  type WizardPage,
} from './answers.ts'
import { DonePage } from './done.tsx'
import { type Done, finish, inspect } from './finish.ts'
import {
  Choice,
  CommonNamePage,
  FilePage,
  GeographyPage,
  KeyPage,
  OrganizationPage,
  SummaryPage,
  WhenPage,
} from './pages.tsx'
import './wizard.css'

/** `authority` is undefined until somebody chooses. */
type Given = Omit<Answers, 'authority'> & { readonly authority: string | undefined }

const nothing: Given = {
  action: 'create',
  authority: undefined,
  friendlyName: '',
  key: 'p256',
  organization: '',
  organizationalUnit: '',
  commonName: '',
  names: '',
  country: '',
  state: '',
  locality: '',
  certificate: '',
  password: '',
  newKey: false,
  force: false,
  file: undefined,
}

/** Pages after which the lab checks the answers so far. */
const CHECKED: readonly WizardPage[] = ['key', 'organization', 'commonName', 'geography']

/** The certificate wizard: one question a page, in the order of the one of Exchange. Back keeps the answers. */
export function Wizard({ held, onChange }: { readonly held: Held; readonly onChange: () => void }) {
  const { query } = useRoute()
  const [given, setGiven] = useState(nothing)
  const [authorities, setAuthorities] = useState<readonly Authority[]>([])
  const [plan, setPlan] = useState<OutputOf<'requests.plan'>>()
  const [at, setAt] = useState(0)
  const [done, setDone] = useState<Done>()
  const [summary, setSummary] = useState<Summary>()
  const [isLeaving, setLeaving] = useState(false)
  const box = useRef<HTMLElement>(null)
  useEffect(() => {
    call('authorities.list', {}).then(
      ({ items }) => setAuthorities(items.filter(({ ready }) => ready)),
      (error) => notifyProblem(problemOf(error)),
    )
  }, [])
  const answers: Answers = { ...given, authority: given.authority ?? likeliest(authorities) }
  const server = held.servers.find(({ id }) => id === query.get('server')) ?? held.servers[0]
  const pending = held.requests.find(({ virtualServer }) => virtualServer === server?.name)
  const actions = actionsFor(server?.certificate != null, pending !== undefined)
  const action = actions.includes(answers.action) ? answers.action : (actions[0] as Action)
  // Without a file, there is no certificate to show before Finish.
  const isCollected = action === 'process' && pending?.queued !== undefined
  const pages = pagesOf[action].filter((one) => one !== 'certificate' || !isCollected)
  const page = pages[at] ?? 'welcome'
  const isLast = at === pages.length - 1
  useEffect(() => {
    box.current
      ?.querySelector<HTMLElement>(
        'input:checked, input:not([type=radio]), select, textarea, button[type=submit], a.button',
      )
      ?.focus()
  }, [page, done])
  if (!server) return null
  const change = (changed: Partial<Answers>): void => setGiven({ ...given, action, ...changed })
  const back = (): void => setAt(Math.max(0, at - 1))
  const leave = (): void => {
    if (done || JSON.stringify(given) === JSON.stringify(nothing)) navigate('/certificates')
    else setLeaving(true)
  }
  const next = async (): Promise<void> => {
    if (CHECKED.includes(page)) setPlan(await checkAnswers(server.name, answers))
    const finishing = { server, pending, answers: { ...answers, action } }
    if (pages[at + 1] === 'certificate') setSummary(await inspect(finishing))
    if (!isLast) return setAt(at + 1)
    setDone(await finish(finishing))
    onChange()
  }
  /** A file with a key is imported; another one is the answer to the pending request. */
  const drop = async (file: File): Promise<void> => {
    try {
      const wanted: Action = !(await hasKey(file)) && pending && !pending.queued ? 'process' : 'import'
      setGiven({ ...given, action: wanted, file })
      setAt(1)
    } catch (error) {
      notifyProblem(problemOf(error))
    }
  }
  const others = held.certificates.filter(({ thumbprint }) => thumbprint !== server.certificate?.thumbprint)
  const props = { answers, change }
  return (
    <section
      ref={box}
      class="wizard"
      aria-label={t('certificates.wizard')}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        const file = event.dataTransfer?.files[0]
        if (!file || done) return
        event.preventDefault()
        void drop(file)
      }}
      onKeyDown={(event) => {
        if (isLeaving) return
        if (event.key === 'Escape') {
          // The same key would close the dialog that it opens.
          event.preventDefault()
          leave()
        }
        if (event.key !== 'ArrowLeft' || !event.altKey || done) return
        // The browser would leave the wizard.
        event.preventDefault()
        back()
      }}
    >
      <p class="hint">
        {t('certificates.wizard')} · {server.name}
        {!done && at > 0 && ` · ${t('wizard.step', { n: at + 1, of: pages.length })}`}
      </p>
      <h2>{t(done ? 'wizard.title_done' : `wizard.title_${page}`)}</h2>
      {done ? (
        <DonePage done={done} server={server} />
      ) : (
        <Form
          key={page}
          onSubmit={next}
          submit={t(isLast ? 'wizard.finish' : 'wizard.next')}
          fields={fieldsOfPage[page] ?? []}
          actions={
            <>
              <Button kind="plain" onClick={leave}>
                {t('shell.cancel')}
              </Button>
              {at > 0 && (
                <Button onClick={back} shortcut="Alt+ArrowLeft">
                  {t('wizard.back')}
                </Button>
              )}
            </>
          }
        >
          {page === 'welcome' && (
            <>
              <ServerChoice
                servers={held.servers}
                value={server.name}
                onInput={(name) => {
                  const id = held.servers.find((one) => one.name === name)?.id
                  navigate(pathWith(['certificates', 'wizard'], { server: id }), { replace: true })
                }}
              />
              <p>
                {server.certificate ? t('wizard.has', { name: server.certificate.friendlyName }) : t('wizard.hasNone')}{' '}
                {pending && t('wizard.isPending')}
              </p>
              <fieldset class="choices">
                <legend>{t('wizard.whatToDo')}</legend>
                {actions.map((one) => (
                  <Choice
                    key={one}
                    name="action"
                    label={t(one === 'assign' && server.certificate ? 'wizard.do_replace' : `wizard.do_${one}`)}
                    isChosen={one === action}
                    onChoose={() => change({ action: one, certificate: others[0]?.thumbprint ?? '' })}
                  />
                ))}
              </fieldset>
            </>
          )}
          {page === 'when' && <WhenPage {...props} authorities={authorities} />}
          {page === 'key' && <KeyPage {...props} />}
          {page === 'organization' && <OrganizationPage {...props} />}
          {page === 'commonName' && <CommonNamePage {...props} server={server.name} />}
          {page === 'geography' && <GeographyPage {...props} />}
          {page === 'summary' && plan && (
            <SummaryPage answers={answers} plan={plan} onChange={(one) => setAt(pages.indexOf(one))} />
          )}
          {page === 'assign' && (
            <fieldset class="choices">
              <legend>{t('wizard.whichCertificate')}</legend>
              {others.length === 0 && <p class="hint">{t('wizard.noOther')}</p>}
              {others.map(({ thumbprint, friendlyName, issuedTo, issuedBy, daysLeft }) => (
                <Choice
                  key={thumbprint}
                  name="certificate"
                  label={friendlyName}
                  hint={`${issuedTo} · ${issuedBy} · ${t('certificates.days', { n: daysLeft })}`}
                  isChosen={answers.certificate === thumbprint}
                  onChoose={() => change({ certificate: thumbprint })}
                />
              ))}
            </fieldset>
          )}
          {page === 'import' && <FilePage {...props} withPassword />}
          {page === 'process' &&
            (pending?.queued ? (
              <p>{t('wizard.collectHint', { authority: pending.queued.authority })}</p>
            ) : (
              <FilePage {...props} withPassword={false} />
            ))}
          {page === 'certificate' && summary && <CertificateSummary summary={summary} />}
          {page === 'renew' && (
            <label class="check">
              <input
                type="checkbox"
                checked={answers.newKey}
                onInput={(event) => change({ newKey: event.currentTarget.checked })}
              />
              {t('certificates.newKey')}
            </label>
          )}
          {page === 'remove' && <p>{t('wizard.removeHint', { name: server.certificate?.friendlyName ?? '' })}</p>}
        </Form>
      )}
      {isLeaving && (
        <Dialog
          title={t('wizard.leave')}
          size="small"
          onClose={() => setLeaving(false)}
          actions={
            <>
              <Button onClick={() => setLeaving(false)}>{t('wizard.stay')}</Button>
              <Button kind="danger" onClick={() => navigate('/certificates')}>
                {t('wizard.discard')}
              </Button>
            </>
          }
        >
          <p>{t('wizard.leaveHint')}</p>
        </Dialog>
      )}
    </section>
  )
}

/** Returns the authority that answers soonest: an enterprise one needs no approval. Empty where the lab has none. */
const likeliest = (authorities: readonly Authority[]): string =>
  (authorities.find(({ type }) => type === 'enterprise') ?? authorities[0])?.name ?? ''

/** Returns what can be done for a virtual server, the likeliest first. */
function actionsFor(hasCertificate: boolean, isPending: boolean): readonly Action[] {
  const first: Action = isPending ? 'process' : 'create'
  return hasCertificate ? [first, 'renew', 'assign', 'import', 'remove'] : [first, 'assign', 'import']
}

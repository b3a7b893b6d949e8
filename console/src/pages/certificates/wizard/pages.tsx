import { useEffect, useState } from 'preact/hooks'
import { call, type OutputOf } from '../../../api/client.ts'
import { problemOf } from '../../../api/problem.ts'
import { Button } from '../../../components/button.tsx'
import { Field } from '../../../components/form.tsx'
import { notifyProblem } from '../../../components/toast.tsx'
import type { TextKey } from '../../../texts/catalogue.ts'
import { t } from '../../../texts/index.ts'
import { CERTIFICATE_FILES } from '../import.tsx'
import { type Answers, type Authority, checkAnswers, type PageProps, requestOf, type WizardPage } from './answers.ts'

/** Now, by an authority of the lab, or later, by one outside. */
export const WhenPage = ({
  answers,
  authorities,
  change,
}: PageProps & { readonly authorities: readonly Authority[] }) => (
  <fieldset class="choices">
    <legend>{t('wizard.whenQuestion')}</legend>
    {authorities.map(({ name, type }) => (
      <Choice
        key={name}
        name="when"
        label={t('wizard.now', { authority: name })}
        hint={t(type === 'enterprise' ? 'wizard.atOnce' : 'wizard.afterApproval')}
        isChosen={answers.authority === name}
        onChoose={() => change({ authority: name })}
      />
    ))}
    <Choice
      name="when"
      label={t('wizard.later')}
      hint={t('wizard.laterHint')}
      isChosen={answers.authority === ''}
      onChoose={() => change({ authority: '' })}
    />
  </fieldset>
)

interface ChoiceProps {
  readonly name: string
  readonly label: string
  readonly hint?: string | undefined
  readonly isChosen: boolean
  readonly onChoose: () => void
}

/** One of several choices. */
export const Choice = ({ name, label, hint, isChosen, onChoose }: ChoiceProps) => (
  <label class="wizard-choice">
    <input type="radio" name={name} checked={isChosen} onInput={onChoose} />
    <span>
      {label}
      {hint && <span class="hint">{hint}</span>}
    </span>
  </label>
)

const keys = ['p256', 'p384', 'rsa-2048', 'rsa-3072', 'rsa-4096', 'rsa-1024', 'ed25519']

/** Offered where the lab runs on Node.js 24.6 or later. */
const postQuantumKeys = ['ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87']

export function KeyPage({ answers, change }: PageProps) {
  const [nodeVersion, setNodeVersion] = useState('')
  useEffect(() => {
    call('status.get', {}).then(
      (status) => setNodeVersion(status.nodeVersion),
      (error) => notifyProblem(problemOf(error)),
    )
  }, [])
  const [, major = 0, minor = 0] = /^v(\d+)\.(\d+)/.exec(nodeVersion)?.map(Number) ?? []
  const hasMlDsa = major > 24 || (major === 24 && minor >= 6)
  return (
    <>
      <Text name="friendlyName" {...{ answers, change }} hint={t('wizard.friendlyNameHint')} />
      <div class="field">
        <label for="wizard-key">{t('wizard.key')}</label>
        <select id="wizard-key" value={answers.key} onInput={(event) => change({ key: event.currentTarget.value })}>
          {[...keys, ...(hasMlDsa ? postQuantumKeys : [])].map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
        <p class="hint">{t('wizard.keyHint')}</p>
      </div>
    </>
  )
}

export const OrganizationPage = (props: PageProps) => (
  <>
    <Text name="organization" {...props} />
    <Text name="organizationalUnit" {...props} />
  </>
)

const SETTLED_MS = 400

/** The common name. What the lab says of it, such as that it does not resolve, is shown while it is typed. */
export function CommonNamePage({ server, answers, change }: PageProps & { readonly server: string }) {
  const [verdict, setVerdict] = useState<readonly string[]>()
  const { commonName } = answers
  useEffect(() => {
    setVerdict(undefined)
    if (commonName.trim() === '') return
    const aborting = new AbortController()
    const timer = setTimeout(() => {
      checkAnswers(server, { ...answers, key: 'p256', friendlyName: '' }, aborting.signal).then(
        ({ warnings }) => setVerdict(warnings),
        (error) => !aborting.signal.aborted && setVerdict([problemOf(error).message]),
      )
    }, SETTLED_MS)
    return () => {
      clearTimeout(timer)
      aborting.abort()
    }
  }, [server, commonName])
  return (
    <>
      <Text name="commonName" {...{ answers, change }} hint={t('wizard.commonNameHint')} />
      <p class={`wizard-verdict ${verdict?.length ? 'warning' : ''}`} role="status">
        {verdict && (verdict.length > 0 ? `⚠ ${verdict.join(' ')}` : `✓ ${t('wizard.resolves')}`)}
      </p>
      <Text name="names" {...{ answers, change }} hint={t('wizard.namesHint')} />
    </>
  )
}

export const GeographyPage = (props: PageProps) => (
  <>
    <Text name="country" {...props} hint={t('wizard.countryHint')} />
    <Text name="state" {...props} />
    <Text name="locality" {...props} />
  </>
)

export const FilePage = ({ answers, change, withPassword }: PageProps & { readonly withPassword: boolean }) => (
  <>
    <div class="field">
      <label for="wizard-file">{t('wizard.file')}</label>
      <input
        id="wizard-file"
        type="file"
        accept={CERTIFICATE_FILES}
        aria-describedby="wizard-file-hint"
        onChange={(event) => change({ file: event.currentTarget.files?.[0] })}
      />
      {/* A file field is empty again after Back, and does not show what was dropped. */}
      <p id="wizard-file-hint" class="hint">
        {answers.file ? t('wizard.chosenFile', { name: answers.file.name }) : t('wizard.fileHint')}
      </p>
    </div>
    {withPassword && <Text name="password" {...{ answers, change }} type="password" />}
    <label class="check">
      <input
        type="checkbox"
        checked={answers.force}
        onInput={(event) => change({ force: event.currentTarget.checked })}
      />
      {t('wizard.force')}
    </label>
  </>
)

type TextField = 'friendlyName' | 'commonName' | 'names' | 'country' | 'state' | 'locality' | 'password'
interface TextProps extends PageProps {
  readonly name: TextField | 'organization' | 'organizationalUnit'
  readonly hint?: string
  readonly type?: string
}

const Text = ({ name, answers, change, hint, type = 'text' }: TextProps) => (
  <Field
    name={name}
    type={type}
    autocomplete="off"
    label={t(`wizard.${name}`)}
    hint={hint}
    value={answers[name]}
    onInput={(value) => change({ [name]: value })}
  />
)

/** Every value of the request, also those that the lab fills in, with the page that changes it. */
export function SummaryPage({
  answers,
  plan,
  onChange,
}: {
  readonly answers: Answers
  readonly plan: OutputOf<'requests.plan'>
  readonly onChange: (page: WizardPage) => void
}) {
  const request = requestOf(plan.virtualServer, answers)
  const rows: readonly (readonly [TextKey, unknown, WizardPage])[] = [
    ['wizard.server', plan.virtualServer, 'welcome'],
    ['wizard.destination', answers.authority || 'certreq.txt', 'when'],
    ['wizard.friendlyName', plan.friendlyName, 'key'],
    ['wizard.key', plan.key, 'key'],
    ['wizard.organization', request.organization, 'organization'],
    ['wizard.organizationalUnit', request.organizationalUnit, 'organization'],
    ['wizard.commonName', request.commonName ?? commonNameIn(plan.subject), 'commonName'],
    ['wizard.names', request.names?.join(', '), 'commonName'],
    ['wizard.country', request.country, 'geography'],
    ['wizard.state', request.state, 'geography'],
    ['wizard.locality', request.locality, 'geography'],
  ]
  return (
    <dl class="wizard-summary">
      {rows.map(([name, value, page]) => (
        <div key={name}>
          <dt>{t(name)}</dt>
          <dd>{value === undefined ? '–' : `${value}`}</dd>
          <Button kind="plain" aria-label={t('wizard.changeOne', { name: t(name) })} onClick={() => onChange(page)}>
            {t('wizard.change')}
          </Button>
        </div>
      ))}
    </dl>
  )
}

/** Returns the common name in a subject as the lab writes it: `CN=mail.lab.test, O=Example`. */
const commonNameIn = (subject: string): string | undefined => /(?:^|, )CN=([^,]+)/.exec(subject)?.[1]

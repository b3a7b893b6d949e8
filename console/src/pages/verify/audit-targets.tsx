import { Download } from 'lucide-preact'
import { useState } from 'preact/hooks'
import { call, type InputOf } from '../../api/client.ts'
import { problemOf } from '../../api/problem.ts'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { Copyable, CopyButton } from '../../components/copy-button.tsx'
import { saveBlob } from '../../components/save-blob.ts'
import { type Column, Table } from '../../components/table.tsx'
import { notifyProblem } from '../../components/toast.tsx'
import { may } from '../../state/caller.ts'
import { isNarrow } from '../../state/media.ts'
import { formatNumber, t } from '../../texts/index.ts'
import { formText, type Target } from './facts.ts'
import { Check, Select } from './inputs.tsx'
import { visitLooks } from './state.tsx'

const keyOf = ({ name, protocol, form }: Target): string => `${name} ${protocol} ${form}`
const FIELDS = ['name', 'protocol', 'form', 'hostname', 'address', 'port', 'user', 'password'] as const
/** The file with the roots, as the documents call it. */
const CA_FILE = 'audit-ca.pem'

interface AuditTargetsProps {
  readonly id: string
  readonly ca: string
  readonly targets: readonly Target[]
}

/** The servers that a client must try, live: what to trust, where to connect, and whether the client has come. */
export function AuditTargets({ id, ca, targets }: AuditTargetsProps) {
  const [place, setPlace] = useState('')
  const [isOpenOnly, setOpenOnly] = useState(false)
  const [reports, setReports] = useState<ReadonlyMap<string, boolean>>(new Map())
  const [isSending, setSending] = useState(false)
  const places = [...new Set(targets.map(({ protocol, form }) => `${protocol} ${form}`))]
  const shown = targets.filter(
    (one) => (place === '' || `${one.protocol} ${one.form}` === place) && !(isOpenOnly && one.visited),
  )
  const visited = targets.filter((one) => one.visited).length
  const [first] = targets
  const report = (key: string, accepted: boolean | undefined): void => {
    const next = new Map(reports)
    if (accepted === undefined) next.delete(key)
    else next.set(key, accepted)
    setReports(next)
  }
  const judge = async (): Promise<void> => {
    setSending(true)
    const results = targets.flatMap((target) => {
      const accepted = reports.get(keyOf(target))
      const { name, protocol, form } = target
      return accepted === undefined ? [] : [{ name, protocol, form, accepted }]
    })
    await call('audit.results', { id, results } as InputOf<'audit.results'>).catch((error) => {
      notifyProblem(problemOf(error))
      setSending(false)
    })
  }
  return (
    <div class="audit-targets">
      <ol class="audit-steps">
        <li>
          <h3>{t('verify.trustStep')}</h3>
          <p>{t('verify.trustStepHint')}</p>
          <div class="buttons">
            <Button
              icon={Download}
              onClick={() => saveBlob(new Blob([ca], { type: 'application/x-pem-file' }), CA_FILE)}
            >
              {CA_FILE}
            </Button>
            <CopyButton text={ca}>{t('verify.copyPem')}</CopyButton>
          </div>
        </li>
        <li>
          <h3>{t('verify.runStep')}</h3>
          <p>{t('verify.runStepHint')}</p>
          <div class="buttons">
            <CopyButton text={asLines(targets)}>{t('verify.copyLines')}</CopyButton>
            <Button
              icon={Download}
              onClick={() => saveBlob(new Blob([JSON.stringify(targets, null, 2)]), `${id}-targets.json`)}
            >
              JSON
            </Button>
          </div>
        </li>
        <li>
          <h3>{t('verify.judgeStep')}</h3>
          <p>{t('verify.judgeStepHint')}</p>
          {may('administer') && (
            <div class="buttons">
              <Button kind="primary" disabled={isSending || visited === 0} onClick={() => void judge()}>
                {t('verify.judge')}
              </Button>
            </div>
          )}
        </li>
      </ol>
      <section aria-label={t('verify.targets')}>
        <header class="audit-filter">
          <h2>{t('verify.targets')}</h2>
          <span class="hint" role="status">
            {t('verify.visitedCount', { n: visited, total: formatNumber(targets.length) })}
          </span>
          {first && (
            <span class="audit-password">
              {t('verify.password')} <Copyable text={first.password} label={t('verify.copyPassword')} />
            </span>
          )}
          {places.length > 1 && (
            <Select
              label={t('verify.protocol')}
              value={place}
              onChange={setPlace}
              options={[['', t('verify.all')], ...places.map((one) => [one, placeText(one)] as const)]}
            />
          )}
          <Check checked={isOpenOnly} onChange={() => setOpenOnly(!isOpenOnly)}>
            {t('verify.openOnly')}
          </Check>
        </header>
        <Table
          caption={t('verify.targets')}
          columns={columns(reports, report).filter(
            ({ name }) =>
              (!isNarrow.value || NARROW.includes(name)) &&
              (name !== 'protocol' || (place === '' && places.length > 1)),
          )}
          rows={shown}
          keyOf={keyOf}
        />
      </section>
    </div>
  )
}

function placeText(place: string): string {
  const [protocol = '', form] = place.split(' ')
  return `${protocol.toUpperCase()} · ${formText(form === 'implicit', protocol)}`
}

/** Returns a line for each server, with tabs between its values, for a loop of a shell or a table. */
const asLines = (targets: readonly Target[]): string =>
  [FIELDS, ...targets.map((target) => FIELDS.map((field) => target[field]))].map((row) => row.join('\t')).join('\n')

/** Columns on a phone. */
const NARROW = ['state', 'name', 'address']

const columns = (
  reports: ReadonlyMap<string, boolean>,
  report: (key: string, accepted: boolean | undefined) => void,
): readonly Column<Target>[] => [
  {
    name: 'state',
    title: t('verify.client'),
    cell: ({ visited }) => {
      const { tone, icon } = visitLooks[visited ? 'visited' : 'waiting']
      return (
        <Badge tone={tone} icon={icon}>
          {t(visited ? 'verify.visited' : 'verify.waiting')}
        </Badge>
      )
    },
  },
  {
    name: 'name',
    title: t('verify.server'),
    sortBy: ({ name }) => name,
    cell: ({ name, meaning }) => (
      <>
        <strong>{name}</strong>
        <span class="hint audit-meaning">{meaning}</span>
      </>
    ),
  },
  { name: 'protocol', title: t('verify.protocol'), cell: ({ protocol, form }) => placeText(`${protocol} ${form}`) },
  {
    name: 'address',
    title: t('verify.address'),
    cell: ({ address, port }) => <Copyable text={`${address}:${port}`} label={t('verify.copyAddress')} />,
  },
  {
    name: 'hostname',
    title: t('verify.verifiesName'),
    cell: ({ hostname }) => (
      <span class="audit-host">
        <Copyable text={hostname} label={t('verify.copyName')} />
      </span>
    ),
  },
  { name: 'user', title: t('verify.user'), cell: ({ user }) => <Copyable text={user} label={t('verify.copyUser')} /> },
  {
    name: 'report',
    title: t('verify.reported'),
    cell: (target) => {
      const key = keyOf(target)
      const accepted = reports.get(key)
      return (
        <select
          aria-label={`${t('verify.reported')}: ${key}`}
          value={accepted === undefined ? '' : `${accepted}`}
          onChange={({ currentTarget: { value } }) => report(key, value === '' ? undefined : value === 'true')}
        >
          <option value="">{t('verify.byWire')}</option>
          <option value="true">{t('verify.accepted')}</option>
          <option value="false">{t('verify.refused')}</option>
        </select>
      )
    },
  },
]

import { X } from 'lucide-preact'
import { call } from '../../api/client.ts'
import { useLive } from '../../api/use-live.ts'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { Fact } from '../../components/fact.tsx'
import { hrefOf, pathWith } from '../../router.ts'
import { t } from '../../texts/index.ts'
import { checkText } from './check-text.ts'
import { curedOn, groupNames, groupOf, orderOf } from './checks.ts'
import { type Endpoint, endpointsOf, type Finding, formText, type Job, type Outcome } from './facts.ts'
import { Filter, useShown } from './filter.tsx'
import { Detail, Matrix, type MatrixCell, type MatrixRow } from './matrix.tsx'
import { outcomeLooks, wordOf } from './state.tsx'
import { useProblemKeys } from './use-problem-keys.ts'

const titleOf = ({ check, title }: Finding): string => checkText(check, 'title') ?? title

/** Shows the results of a verify, also while it runs: a row for each check, a column for each port. */
export function VerifyResults({ job }: { readonly job: Job }) {
  const { show, selected, filter, select } = useShown(job.id)
  const endpoints = endpointsOf(job)
  const found = (row: string, column: string): Finding | undefined =>
    endpoints[Number(column)]?.checks.find(({ check }) => check === row)
  const isShown = ({ outcome }: Finding): boolean => show === null || outcome === show
  const rows = rowsOf(endpoints, isShown)
  const columns = endpoints.map(({ name, protocol, port, implicitTls }, index) => ({
    key: `${index}`,
    group: name,
    title: `${port}`,
    hint: formText(implicitTls, protocol),
  }))
  const cell = (row: string, column: string): MatrixCell | undefined => {
    const finding = found(row, column)
    if (!finding) return undefined
    return { ...outcomeLooks[finding.outcome], word: wordOf(finding.outcome), label: finding.words }
  }
  const problems = rows.flatMap(({ key }) =>
    columns
      .filter((column) => ['fail', 'warn'].includes(found(key, column.key)?.outcome ?? ''))
      .map((column) => [key, column.key] as const),
  )
  useProblemKeys(problems, selected, select)
  const open = selected && found(...selected)
  return (
    <section class="verify-results" aria-label={t('verify.results')}>
      <Filter looks={outcomeLooks} counts={outcomeCounts(endpoints)} show={show} onShow={filter} />
      <Matrix
        caption={t('verify.results')}
        corner={t('verify.check')}
        columns={columns}
        rows={rows}
        cell={cell}
        selected={open && selected}
        onSelect={(row, column) => select([row, column])}
      />
      {open && (
        <FindingDetail
          finding={open}
          endpoint={endpoints[Number(selected?.[1])] as Endpoint}
          onClose={() => select(undefined)}
        />
      )}
    </section>
  )
}

/** Returns the checks that are to be shown, in the order of the report. */
function rowsOf(endpoints: readonly Endpoint[], isShown: (finding: Finding) => boolean): readonly MatrixRow[] {
  const titles = new Map<string, string>()
  for (const finding of endpoints.flatMap(({ checks }) => checks)) {
    if (isShown(finding)) titles.set(finding.check, titleOf(finding))
  }
  const groupAt = (check: string): number => groupNames.indexOf(groupOf(check))
  return [...titles]
    .toSorted(([a], [b]) => groupAt(a) - groupAt(b) || orderOf(a) - orderOf(b))
    .map(([key, title]) => ({ key, title, group: t(`verify.group_${groupOf(key)}`) }))
}

function outcomeCounts(endpoints: readonly Endpoint[]): Readonly<Record<Outcome, number>> {
  const counts = { pass: 0, fail: 0, warn: 0, 'not-applicable': 0 }
  for (const { outcome } of endpoints.flatMap(({ checks }) => checks)) counts[outcome]++
  return counts
}

/** Shows what a check has found, why it matters, and what cures it. */
function FindingDetail({
  finding,
  endpoint: { name, port, protocol, implicitTls },
  onClose,
}: {
  readonly finding: Finding
  readonly endpoint: Endpoint
  readonly onClose: () => void
}) {
  const { check, outcome, words, facts } = finding
  const { tone, icon } = outcomeLooks[outcome]
  const isProblem = outcome === 'fail' || outcome === 'warn'
  return (
    <Detail label={titleOf(finding)}>
      <header>
        <h3>{titleOf(finding)}</h3>
        <Badge tone={tone} icon={icon}>
          {wordOf(outcome)}
        </Badge>
        <span class="hint">
          {name} · {port} {formText(implicitTls, protocol)}
        </span>
        <Button kind="plain" icon={X} label={t('verify.closeDetail')} onClick={onClose} />
      </header>
      <dl>
        <div>
          <dt>{t('verify.happened')}</dt>
          <dd class="verify-words">{words}</dd>
          {facts && <Facts facts={facts} />}
        </div>
        {checkText(check, 'why') && <Fact name={t('verify.why')}>{checkText(check, 'why')}</Fact>}
        {isProblem && checkText(check, 'cure') && (
          <div>
            <dt>{t('verify.cure')}</dt>
            <dd>{checkText(check, 'cure')}</dd>
            <CureLink check={check} name={name} />
          </div>
        )}
      </dl>
    </Detail>
  )
}

/** The page on which a virtual server of the lab is changed. */
function CureLink({ check, name }: { readonly check: string; readonly name: string }) {
  const { value } = useLive(
    () => call('virtualServers.list', {}),
    (event) => event.name === 'configuration.reloaded',
  )
  const place = curedOn[groupOf(check)]
  const id = value?.items.find((one) => one.name === name)?.id
  if (!place || !id) return null
  const [path, text] =
    place === 'certificate'
      ? [pathWith(['certificates', 'wizard'], { server: id }), t('verify.openWizard')]
      : [pathWith(['servers', id], { tab: 'access' }), t('verify.openAccess')]
  return (
    <dd>
      <a class="button" href={hrefOf(path)}>
        {text}
      </a>
    </dd>
  )
}

/** The data of a finding, as the report has them. */
const Facts = ({ facts }: { readonly facts: Readonly<Record<string, unknown>> }) => (
  <dd class="verify-data">
    {Object.entries(facts).map(([key, value]) => (
      <span key={key}>
        <code>{key}</code> {valueText(value)}
      </span>
    ))}
  </dd>
)

function valueText(value: unknown): string {
  if (Array.isArray(value) && value.every((one) => typeof one !== 'object')) return value.join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : `${value}`
}

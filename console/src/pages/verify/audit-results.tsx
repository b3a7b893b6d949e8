import { X } from 'lucide-preact'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { Fact } from '../../components/fact.tsx'
import { t } from '../../texts/index.ts'
import { type AuditResult, auditResultsOf, formText, type Job } from './facts.ts'
import { Filter, useShown } from './filter.tsx'
import { Detail, Matrix, type MatrixCell } from './matrix.tsx'
import { verdictLooks, wordOf } from './state.tsx'
import { useProblemKeys } from './use-problem-keys.ts'

const PROBLEMS = ['unsafe', 'unable', 'lax']
const columnOf = ({ protocol, form }: AuditResult): string => `${protocol}.${form}`

/** How a client behaved: a row for each server, a column for each protocol and form of TLS. */
export function AuditResults({ job }: { readonly job: Job }) {
  const { show, selected, filter, select } = useShown(job.id)
  const results = auditResultsOf(job)
  const found = (row: string, column: string): AuditResult | undefined =>
    results.find((one) => one.name === row && columnOf(one) === column)
  const shown = results.filter(({ verdict }) => show === null || verdict === show)
  const names = [...new Set(shown.map(({ name }) => name))]
  const rows = names.map((name) => {
    const isGood = shown.find((one) => one.name === name)?.expectation === 'accept'
    return { key: name, title: name, group: t(isGood ? 'verify.goodServers' : 'verify.badServers') }
  })
  const columns = [...new Map(results.map((one) => [columnOf(one), one])).values()].map((one) => ({
    key: columnOf(one),
    group: one.protocol.toUpperCase(),
    title: formText(one.form === 'implicit', one.protocol),
    hint: '',
  }))
  const cell = (row: string, column: string): MatrixCell | undefined => {
    const one = found(row, column)
    return one && { ...verdictLooks[one.verdict], word: wordOf(one.verdict), label: one.reason }
  }
  const problems = rows.flatMap(({ key }) =>
    columns
      .filter((column) => PROBLEMS.includes(found(key, column.key)?.verdict ?? ''))
      .map((column) => [key, column.key] as const),
  )
  useProblemKeys(problems, selected, select)
  const open = selected && found(...selected)
  return (
    <section class="verify-results" aria-label={t('verify.results')}>
      <Filter looks={verdictLooks} counts={job.outcome?.counts ?? {}} show={show} onShow={filter} />
      <Matrix
        caption={t('verify.results')}
        corner={t('verify.server')}
        columns={columns}
        rows={rows}
        cell={cell}
        selected={open && selected}
        onSelect={(row, column) => select([row, column])}
      />
      {open && <ResultDetail result={open} onClose={() => select(undefined)} />}
    </section>
  )
}

/** Shows what the client did, why it passes or fails, and the cure. */
function ResultDetail({ result, onClose }: { readonly result: AuditResult; readonly onClose: () => void }) {
  const { name, meaning, protocol, form, verdict, expectation, reason, detail, sessions } = result
  const { tone, icon } = verdictLooks[verdict]
  return (
    <Detail label={name}>
      <header>
        <h3>{name}</h3>
        <Badge tone={tone} icon={icon}>
          {wordOf(verdict)}
        </Badge>
        <span class="hint">
          {protocol.toUpperCase()} · {formText(form === 'implicit', protocol)}
        </span>
        <Button kind="plain" icon={X} label={t('verify.closeDetail')} onClick={onClose} />
      </header>
      <dl>
        <div>
          <dt>{t('verify.happened')}</dt>
          <dd class="verify-words">{[...new Set([reason, detail])].join('; ')}</dd>
          {sessions.map(({ transcript }, index) => (
            <dd key={index}>
              <details>
                <summary>{t('verify.transcript', { n: transcript.length })}</summary>
                <pre>{transcript.join('\n')}</pre>
              </details>
            </dd>
          ))}
        </div>
        <div>
          <dt>{t('verify.why')}</dt>
          <dd>{meaning}</dd>
          <dd>{t(`verify.expects_${expectation}`)}</dd>
        </div>
        {verdict !== 'safe' && <Fact name={t('verify.cure')}>{t(`verify.cure_${verdict}`)}</Fact>}
      </dl>
    </Detail>
  )
}

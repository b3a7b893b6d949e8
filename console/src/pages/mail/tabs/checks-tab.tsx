import { CircleCheck, CircleX, Crosshair, Info, TriangleAlert } from 'lucide-preact'
import { useState } from 'preact/hooks'
import { call, type OutputOf, urlTo } from '../../../api/client.ts'
import { useLoaded } from '../../../api/use-loaded.ts'
import { Badge } from '../../../components/badge.tsx'
import { Button } from '../../../components/button.tsx'
import { Glyph } from '../../../components/icon.tsx'
import { ProblemState, Skeleton } from '../../../components/states.tsx'
import { t } from '../../../texts/index.ts'
import type { TabProps } from '../use-message.ts'

type Finding = OutputOf<'messages.checks'>['items'][number]
type Check = Finding['check']
type Level = Finding['level']

const CHECKS: readonly Check[] = [
  'html-support',
  'links',
  'images',
  'accessibility',
  'unsubscribe',
  'headers',
  'size',
  'spam',
  'authentication',
]

const LEVELS = {
  error: { icon: CircleX, tone: 'bad' },
  warning: { icon: TriangleAlert, tone: 'warning' },
  info: { icon: Info, tone: 'neutral' },
} as const

/** Everything that the lab finds wrong with a message, with the place in it. */
export default function ChecksTab({ message: { id, hasHtml } }: TabProps) {
  const { value, problem } = useLoaded(id, (signal) => call('messages.checks', { id }, { signal }))
  const [chosen, choose] = useState<Check>()
  const [mark, setMark] = useState<number>()
  if (problem) return <ProblemState problem={problem} />
  if (!value) return <Skeleton />
  const { items, isCut } = value
  const of = (check: Check): Finding[] => items.filter((one) => one.check === check)
  // The first check with the worst findings.
  const open = chosen ?? worstOf(items)?.check ?? 'html-support'
  const select = (check: Check): void => {
    choose(check)
    setMark(undefined)
  }
  return (
    <div class="padded checks-tab">
      <div class="checks-summary" role="group" aria-label={t('mail.tabCheck')}>
        {CHECKS.map((check) => (
          <Summary
            key={check}
            check={check}
            findings={of(check)}
            isOpen={check === open}
            onOpen={() => select(check)}
          />
        ))}
      </div>
      {isCut && <p class="hint">{t('mail.checksCut')}</p>}
      <section aria-label={t(`mail.check_${open}`)}>
        {of(open).length === 0 && <p>{t('mail.checkPassed')}</p>}
        <ul class="findings">
          {of(open).map((finding, index) => (
            <FindingRow
              key={index}
              finding={finding}
              isMarked={finding.at !== null && finding.at === mark}
              onMark={setMark}
            />
          ))}
        </ul>
        {open === 'html-support' && hasHtml && <Support id={id} />}
      </section>
      {mark !== undefined && (
        <iframe
          key={mark}
          class="marked"
          title={t('mail.markedPlace')}
          sandbox=""
          src={`${urlTo('messages.html', { id, scheme: 'light', mark })}#sealpost-mark`}
          referrerpolicy="no-referrer"
        />
      )}
    </div>
  )
}

const ORDER: readonly Level[] = ['error', 'warning', 'info']

const worstOf = (findings: readonly Finding[]): Finding | undefined =>
  ORDER.flatMap((wanted) => findings.filter(({ level }) => level === wanted))[0]

interface SummaryProps {
  readonly check: Check
  readonly findings: readonly Finding[]
  readonly isOpen: boolean
  readonly onOpen: () => void
}

/** A check with the number of its findings, by the worst level. */
function Summary({ check, findings, isOpen, onOpen }: SummaryProps) {
  const level = worstOf(findings)?.level
  const count = findings.filter((one) => one.level === level).length
  return (
    <Button kind="plain" aria-pressed={isOpen} onClick={onOpen}>
      <span class={`tone-${level ? LEVELS[level].tone : 'good'}`}>
        <Glyph icon={level ? LEVELS[level].icon : CircleCheck} />
      </span>
      <span>{t(`mail.check_${check}`)}</span>
      <span class="count">{level ? t(`mail.level_${level}`, { n: count }) : t('mail.checkOk')}</span>
    </Button>
  )
}

interface FindingRowProps {
  readonly finding: Finding
  readonly isMarked: boolean
  readonly onMark: (at: number) => void
}

function FindingRow({ finding: { level, message, clients, source, line, at }, isMarked, onMark }: FindingRowProps) {
  return (
    <li>
      <Badge tone={LEVELS[level].tone} icon={LEVELS[level].icon}>
        {t(`mail.levelName_${level}`)}
      </Badge>
      <div>
        <span lang="en">{message}</span>
        <span class="hint below">
          {clients.length > 0 && <>{clients.join(', ')} · </>}
          {/^https:/.test(source) ? (
            <a href={source} target="_blank" rel="noopener noreferrer">
              {source.replace(/^https:\/\/(?:www\.)?/, '')}
            </a>
          ) : (
            source
          )}
          {line !== null && <> · {t('mail.line', { n: line })}</>}
        </span>
      </div>
      {at !== null && (
        <Button icon={Crosshair} aria-pressed={isMarked} onClick={() => onMark(at)}>
          {t('mail.showPlace')}
        </Button>
      )}
    </li>
  )
}

/** How well mail programs support the HTML, feature by feature. */
function Support({ id }: { readonly id: string }) {
  const { value } = useLoaded('support', () => import('./support-table.tsx'))
  const View = value?.SupportTable
  return View ? <View id={id} /> : <Skeleton lines={3} />
}

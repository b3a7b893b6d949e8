import { CircleCheck, CircleDashed, CircleHelp, CircleMinus, CircleX, Plug, TriangleAlert } from 'lucide-preact'
import { Badge } from '../../components/badge.tsx'
import { formatNumber, t } from '../../texts/index.ts'
import type { JobSummary, Outcome, Verdict } from './facts.ts'
import type { MatrixCell } from './matrix.tsx'

type Look = Pick<MatrixCell, 'tone' | 'icon'>

/** How each outcome of a check looks, the worst first. */
export const outcomeLooks: Readonly<Record<Outcome, Look>> = {
  fail: { tone: 'bad', icon: CircleX },
  warn: { tone: 'warning', icon: TriangleAlert },
  pass: { tone: 'good', icon: CircleCheck },
  'not-applicable': { tone: 'neutral', icon: CircleMinus },
}

/** How each verdict on a client looks, the worst first. */
export const verdictLooks: Readonly<Record<Verdict, Look>> = {
  unsafe: { tone: 'bad', icon: CircleX },
  unable: { tone: 'bad', icon: CircleHelp },
  lax: { tone: 'warning', icon: TriangleAlert },
  untested: { tone: 'neutral', icon: CircleMinus },
  safe: { tone: 'good', icon: CircleCheck },
}

/** The states of a server of an audit that waits for its client. */
export const visitLooks = {
  visited: { tone: 'good', icon: Plug },
  waiting: { tone: 'neutral', icon: CircleDashed },
} as const

const looksOf = (kind: JobSummary['kind']): Readonly<Record<string, Look>> =>
  kind === 'verify' ? outcomeLooks : verdictLooks

/** Returns the word for an outcome of a check, or a verdict on a client. */
export const wordOf = (name: Outcome | Verdict): string => t(`verify.word_${name}`)

/** Returns how many results have an outcome or a verdict: `9 warnings`. */
export const countText = (name: string, n: number): string => t(`verify.count_${name as Outcome | Verdict}`, { n })

/** The counts of a result, the worst first. What did not occur is left out. */
export const OutcomeBadges = ({
  kind,
  outcome: { counts },
}: {
  readonly kind: JobSummary['kind']
  readonly outcome: NonNullable<JobSummary['outcome']>
}) => (
  <span class="verify-badges">
    {Object.entries(looksOf(kind)).map(([name, { tone, icon }]) => {
      const count = counts[name] ?? 0
      return count === 0 ? null : (
        <Badge key={name} tone={tone} icon={icon}>
          {countText(name, count)}
        </Badge>
      )
    })}
  </span>
)

const stateTones = { running: 'accent', done: 'good', failed: 'bad', cancelled: 'neutral' } as const

/** The state of a job as a word; of one that runs, how far it is. */
export const JobState = ({ job: { state, progress } }: { readonly job: Pick<JobSummary, 'state' | 'progress'> }) => (
  <Badge tone={stateTones[state]}>
    {t(`verify.state_${state}`)}
    {state === 'running' && progress.total > 0 && ` ${formatNumber(progress.done)}/${formatNumber(progress.total)}`}
  </Badge>
)

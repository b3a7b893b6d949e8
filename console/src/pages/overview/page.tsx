import { call } from '../../api/client.ts'
import { useLive } from '../../api/use-live.ts'
import { useLoaded } from '../../api/use-loaded.ts'
import { FirstSteps } from '../../components/first-steps.tsx'
import { ProblemState, Skeleton } from '../../components/states.tsx'
import { t } from '../../texts/index.ts'
import { ChartFigure } from './chart.tsx'
import { charts } from './charts.ts'
import { LabFacts } from './facts.tsx'
import { HealthList } from './health.tsx'
import { LogTail } from './log.tsx'
import { useStatistics } from './use-statistics.ts'
import './overview.css'

/** The lab at a glance: what needs attention, the last hour, and where clients connect. */
export default function OverviewPage() {
  const { value: hour, problem, again } = useStatistics()
  return (
    <div class="overview">
      <FirstMail />
      <div class="overview-top">
        <HealthList minute={hour?.now.at.slice(0, 'YYYY-MM-DDTHH:MM'.length) ?? ''} />
        <LabFacts />
      </div>
      <section aria-labelledby="last-hour">
        <header>
          <h2 id="last-hour">{t('overview.lastHour')}</h2>
          <p class="hint">{t('overview.lastHourHint')}</p>
        </header>
        {problem ? (
          <ProblemState problem={problem} onRetry={() => void again()} />
        ) : hour === undefined ? (
          <Skeleton />
        ) : (
          <div class="charts">
            {charts.map((chart) => (
              <ChartFigure key={chart.id} chart={chart} hour={hour} />
            ))}
          </div>
        )}
      </section>
      <LogTail />
    </div>
  )
}

/** How to send the first message, while there is none. */
function FirstMail() {
  const { value } = useLive(
    () => call('messages.list', { limit: 1 }),
    ({ name }) => name === 'message.received' || name === 'message.deleted' || name === 'lab.reset',
  )
  const { value: accounts } = useLoaded('accounts', (signal) => call('accounts.list', {}, { signal }))
  return value?.total === 0 ? <FirstSteps user={accounts?.items[0]?.user ?? 'alice'} /> : null
}

import { SplitPane } from '../../components/split-pane.tsx'
import { EmptyState } from '../../components/states.tsx'
import { useRoute } from '../../router.ts'
import { icons } from '../../shell/icons.ts'
import { t } from '../../texts/index.ts'
import { SessionList } from './list.tsx'
import { SessionView } from './session.tsx'
import './sessions.css'

/** Shows the clients that connected, and why clients were refused. */
export default function SessionsPage() {
  const { rest } = useRoute()
  const [id] = rest
  return (
    <div class={`sessions ${id === undefined ? '' : 'has-selection'}`}>
      <SplitPane name="sessions.list" label={t('sessions.list')} width={460} min={320} max={900}>
        <SessionList selected={id} />
        {id === undefined ? (
          <EmptyState icon={icons.sessions} title={t('sessions.selectOne')} />
        ) : (
          <SessionView key={id} id={id} />
        )}
      </SplitPane>
    </div>
  )
}

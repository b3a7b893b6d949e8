import { call } from '../../api/client.ts'
import { useLive } from '../../api/use-live.ts'
import { ProblemState, Skeleton } from '../../components/states.tsx'
import { Tabs } from '../../components/tabs.tsx'
import { navigate, pathWith, useRoute } from '../../router.ts'
import { may } from '../../state/caller.ts'
import { t } from '../../texts/index.ts'
import type { Schema } from './fields.ts'
import { History } from './history.tsx'
import { ItemForm } from './item-form.tsx'
import { ItemList } from './item-list.tsx'
import { itemsOf, type Section, sections } from './sections.ts'
import '../servers/servers.css'
import './lab.css'

const HISTORY = 'history'

/** The parts of the lab, and the changes of its configuration. */
export default function LabPage() {
  const {
    rest: [wanted],
  } = useRoute()
  const section = sections.find(({ name }) => name === wanted) ?? (wanted === HISTORY ? undefined : sections[0])
  const tabs = sections.map(({ name, title }) => ({ name: name as string, label: t(title) }))
  return (
    <div class="lab sections">
      <Tabs
        label={t('lab.parts')}
        wraps
        tabs={may('administer') ? [...tabs, { name: HISTORY, label: t('lab.history') }] : tabs}
        selected={section?.name ?? HISTORY}
        onSelect={(name) => navigate(pathWith(['lab', name]))}
      >
        {section ? <SectionView key={section.name} section={section} /> : <History />}
      </Tabs>
    </div>
  )
}

/** The JSON Schema of the configuration does not change while the lab runs. */
let schema: Promise<Schema> | undefined
const readSchema = (): Promise<Schema> => {
  schema ??= call('configuration.schema', {}).catch((error) => {
    schema = undefined
    throw error
  }) as Promise<Schema>
  return schema
}

function SectionView({ section }: { readonly section: Section }) {
  const {
    rest: [, selected],
  } = useRoute()
  const { value, problem, again } = useLive(
    async () => {
      const [configuration, whole, live] = await Promise.all([
        call('configuration.get', {}),
        readSchema(),
        section.live?.read() ?? [],
      ])
      return { configuration, schema: whole, items: itemsOf(section, configuration.configuration, live) }
    },
    ({ name }) => name === 'configuration.reloaded' || name === 'lab.reset',
  )
  if (problem) return <ProblemState problem={problem} onRetry={() => void again()} />
  if (!value) return <Skeleton />
  const { configuration, items } = value
  const canChange = may('administer') && (!section.path || !configuration.locked)
  const shared = { section, canChange, onChange: () => void again() }
  return (
    <>
      {configuration.lockedBecause && <p class="hint">{configuration.lockedBecause}</p>}
      {selected === undefined ? (
        <ItemList {...shared} items={items} />
      ) : (
        <ItemForm
          key={selected}
          {...shared}
          schema={value.schema}
          item={items.find(({ name }) => name === selected)}
          isNew={selected === 'new'}
        />
      )}
    </>
  )
}

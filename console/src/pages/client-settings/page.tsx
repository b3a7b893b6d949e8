import { useState } from 'preact/hooks'
import { call } from '../../api/client.ts'
import type { EventName } from '../../api/live.ts'
import { useLive } from '../../api/use-live.ts'
import { RecipeLinks } from '../../components/recipe-links.tsx'
import { EmptyState, ProblemState, Skeleton } from '../../components/states.tsx'
import { navigate, pathWith, useRoute } from '../../router.ts'
import { icons } from '../../shell/icons.ts'
import { t } from '../../texts/index.ts'
import { AccountCard } from './account.tsx'
import { Downloads } from './downloads.tsx'
import type { Program } from './facts.ts'
import { PortTable } from './ports.tsx'
import { ProgramPanel } from './program.tsx'
import { RecipeView } from './recipe.tsx'
import './client-settings.css'

/** Events after which the ports, the accounts or the roots may differ. */
const CHANGES: readonly EventName[] = ['configuration.reloaded', 'certificate.changed', 'lab.reset']

/** Shows a recipe, or what to enter in mail and news programs. */
export default function ClientSettingsPage() {
  const recipe = useRoute().query.get('recipe')
  return <div class="client-settings">{recipe === null ? <Programs /> : <RecipeView key={recipe} name={recipe} />}</div>
}

/** Shows how to set up mail and news programs, for one account. */
function Programs() {
  const { query } = useRoute()
  const account = query.get('account') ?? undefined
  const [isShown, show] = useState(false)
  const { value, problem, again } = useLive(
    () => read(account, isShown),
    ({ name }) => CHANGES.includes(name),
    `${account} ${isShown}`,
  )
  if (problem) return <ProblemState problem={problem} onRetry={() => void again()} />
  if (!value) return <Skeleton lines={10} />
  const { settings, accounts } = value
  if (!settings) {
    return <EmptyState icon={icons.clientSettings} title={t('clientSettings.none')} />
  }
  const open = (change: Readonly<Record<string, string>>): void =>
    navigate(pathWith(['client-settings'], { ...Object.fromEntries(query), ...change }), { replace: true })
  const { programs } = settings
  const program = programs.find(({ id }) => id === query.get('program')) ?? programs.find(isUsual) ?? programs[0]
  return (
    <>
      <AccountCard
        settings={settings}
        accounts={accounts}
        isShown={isShown}
        onShow={show}
        onAccount={(user) => {
          show(false)
          open({ account: user })
        }}
      />
      <div class="client-programs">
        <nav aria-label={t('clientSettings.programs')}>
          {programs.map(({ id, name }) => (
            <button
              key={id}
              type="button"
              aria-current={id === program?.id ? 'true' : undefined}
              onClick={() => open({ program: id })}
            >
              {name}
            </button>
          ))}
        </nav>
        <label class="client-program-select">
          <span class="hidden">{t('clientSettings.program')}</span>
          <select value={program?.id} onChange={(event) => open({ program: event.currentTarget.value })}>
            {programs.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        </label>
        {program && <ProgramPanel key={program.id} program={program} settings={settings} />}
      </div>
      <PortTable settings={settings} />
      <Downloads settings={settings} />
      <section>
        <h2>{t('shell.recipes')}</h2>
        <RecipeLinks />
      </section>
    </>
  )
}

/** The program that is shown at first. */
const isUsual = ({ id }: Program): boolean => id === 'thunderbird'

/** Reads the settings of an account, and the accounts that there are. */
async function read(account: string | undefined, password: boolean) {
  const { items: accounts } = await call('accounts.list', {})
  const settings = await call('clientSettings.get', { account, ...(password && { password }) }).catch((error) => {
    // A lab without accounts has none to show settings for.
    if (error.kind === 'not-found' && account === undefined && accounts.length === 0) return undefined
    throw error
  })
  return { settings, accounts }
}

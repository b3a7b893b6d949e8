import { Plus } from 'lucide-preact'
import { call, type OutputOf } from '../../api/client.ts'
import { useLive } from '../../api/use-live.ts'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { hasDraft } from '../../components/drafts.ts'
import { Choice } from '../../components/form.tsx'
import { isLeaving } from '../../components/removal.ts'
import { EmptyState, ProblemState, Skeleton } from '../../components/states.tsx'
import { navigate, pathWith, useRoute } from '../../router.ts'
import { icons } from '../../shell/icons.ts'
import { may } from '../../state/caller.ts'
import { t } from '../../texts/index.ts'
import { draftKey, Editor } from './editor.tsx'
import './scripts.css'

interface Found {
  readonly accounts: OutputOf<'accounts.list'>['items']
  readonly user: string | undefined
  readonly scripts: OutputOf<'scripts.list'>['items']
}

/** @param wanted the account; undefined or unknown: the first one */
async function read(wanted: string | undefined): Promise<Found> {
  const accounts = (await call('accounts.list', {})).items
  const { user } = accounts.find((one) => one.user === wanted) ?? accounts[0] ?? {}
  return { accounts, user, scripts: user === undefined ? [] : (await call('scripts.list', { user })).items }
}

/** The Sieve scripts of an account, and the editor of one. */
export default function ScriptsPage() {
  const { query, rest } = useRoute()
  const isNew = rest[0] === 'new'
  const account = query.get('account') ?? undefined
  const { value, problem, again } = useLive(
    () => read(account),
    ({ name }) => name === 'configuration.reloaded' || name === 'lab.reset',
    account,
  )
  if (problem) return <ProblemState problem={problem} onRetry={() => void again()} />
  if (!value) return <Skeleton />
  const { accounts, user } = value
  if (user === undefined) return <EmptyState icon={icons.scripts} title={t('scripts.noAccounts')} />
  const scripts = value.scripts.filter(({ name }) => !isLeaving(draftKey(user, name)))
  const open = (script: string): void => navigate(pathWith(['scripts'], { account: user, script }))
  const wanted = query.get('script')
  const found = scripts.find(({ name }) => name === wanted) ?? scripts.find(({ active }) => active) ?? scripts[0]
  const selected = isNew ? '' : found?.name
  return (
    <div class="scripts">
      <section aria-label={t('scripts.list')}>
        <p class="hint">{t('scripts.hint')}</p>
        {accounts.length > 1 && (
          <Choice
            name="account"
            label={t('scripts.account')}
            value={user}
            choices={accounts.map((one) => ({ value: one.user, label: one.user }))}
            onChoose={(chosen) => navigate(pathWith(['scripts'], { account: chosen }))}
          />
        )}
        <ul>
          {scripts.map(({ name, active }) => (
            <li key={name}>
              <button type="button" aria-current={name === selected ? 'true' : undefined} onClick={() => open(name)}>
                <span dir="auto">{name}</span>
                {active && <Badge tone="good">{t('scripts.active')}</Badge>}
                {hasDraft(draftKey(user, name)) && <Badge tone="warning">{t('shell.unsaved')}</Badge>}
              </button>
            </li>
          ))}
        </ul>
        {may('change') && (
          <Button icon={Plus} onClick={() => navigate(pathWith(['scripts', 'new'], { account: user }))}>
            {t('scripts.add')}
          </Button>
        )}
      </section>
      {selected === undefined ? (
        <EmptyState icon={icons.scripts} title={t('scripts.none')}>
          <p>{t('scripts.noneHint')}</p>
        </EmptyState>
      ) : (
        <Editor
          key={draftKey(user, selected)}
          user={user}
          name={selected}
          onSaved={(name) => void again().then(() => open(name))}
          onRemoved={again}
        />
      )}
    </div>
  )
}

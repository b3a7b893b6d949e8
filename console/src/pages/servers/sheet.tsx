import { ArrowLeft } from 'lucide-preact'
import { useRef, useState } from 'preact/hooks'
import { call } from '../../api/client.ts'
import { type InputMistake, problemOf } from '../../api/problem.ts'
import { Button } from '../../components/button.tsx'
import { useDraft } from '../../components/drafts.ts'
import { ProblemState, Skeleton } from '../../components/states.tsx'
import { Tabs } from '../../components/tabs.tsx'
import { notifyProblem } from '../../components/toast.tsx'
import { offerUndo } from '../../components/undo-change.ts'
import { navigate, pathWith, useRoute } from '../../router.ts'
import { may } from '../../state/caller.ts'
import { t } from '../../texts/index.ts'
import { ApplyDialog } from './apply.tsx'
import { changesOf, type FieldValue, groupsFor, mistakeOf, settingAt, sheetsFor, shownValue } from './fields.ts'
import { ServerFaults } from './server-faults.tsx'
import { Group, Setting } from './setting.tsx'
import type { SettingField } from './sheets.ts'
import { draftKey, type Loaded, useServer } from './use-server.ts'

const FAULTS = 'faults'
const UNCHANGED: ReadonlyMap<string, FieldValue> = new Map()

/** The property sheet of a virtual server. Apply shows the difference in the YAML file before it writes it. */
export function PropertySheet({ id }: { readonly id: string }) {
  const { query } = useRoute()
  const { value: loaded, problem, again } = useServer(id)
  const [changes = UNCHANGED, keep] = useDraft<ReadonlyMap<string, FieldValue>>(draftKey(id), loaded?.server.name ?? id)
  const { mistakes, setMistakes, check } = useMistakes()
  const [isApplying, setApplying] = useState(false)
  if (problem) return <ProblemState problem={problem} onRetry={() => void again()} />
  if (!loaded) return <Skeleton lines={10} />
  const { server, settings, configuration } = loaded
  const { protocol } = server
  const sheetNames = sheetsFor(protocol)
  const tabs = [...sheetNames, FAULTS] as const
  const tab = tabs.find((name) => name === query.get('tab')) ?? 'general'
  const sheet = sheetNames.find((name) => name === tab)
  const canChange = may('administer') && !configuration.locked
  const present = (field: SettingField): FieldValue =>
    shownValue(field, settingAt(field.ofLab ? configuration.configuration : settings, field.key))
  const change = (field: SettingField, value: FieldValue): void => {
    const next = new Map(changes)
    if (value === present(field)) next.delete(field.key)
    else next.set(field.key, value)
    keep(next.size > 0 ? next : undefined)
  }
  const discard = (): void => {
    keep(undefined)
    setMistakes([])
  }
  const applied = async (): Promise<void> => {
    const name = changes.get('name')
    discard()
    const path = (one: string): string => pathWith(['servers', one], query)
    const goBack = (): void => navigate(path(id), { replace: true })
    offerUndo(t('servers.applied', { name: server.name }), name === undefined ? undefined : goBack)
    if (name === undefined) return again()
    const { items } = await call('virtualServers.list', {})
    const renamed = items.find((one) => one.name === name)
    navigate(renamed ? path(renamed.id) : '/servers', { replace: true })
  }
  return (
    <section class="sheet" aria-label={server.name}>
      <header>
        <Button kind="plain" icon={ArrowLeft} label={t('servers.list')} onClick={() => navigate('/servers')} />
        <h2>{t('servers.properties', { name: server.name })}</h2>
      </header>
      {configuration.lockedBecause && <p class="hint">{configuration.lockedBecause}</p>}
      <Tabs
        label={server.name}
        tabs={tabs.map((name) => ({ name, label: t(`servers.${name}`) }))}
        selected={tab}
        onSelect={(next) => navigate(pathWith(['servers', id], { tab: next }), { replace: true })}
      >
        {sheet === undefined ? (
          <ServerFaults server={server} />
        ) : (
          groupsFor(sheet, protocol).map((group, index) => (
            <Group key={group.title ?? index} group={group} server={server}>
              {(field) => (
                <Setting
                  key={field.key}
                  field={field}
                  value={changes.get(field.key) ?? present(field)}
                  hint={portHint(field.key, loaded) ?? (field.hint && t(field.hint))}
                  mistake={mistakeOf(mistakes, field)}
                  isDisabled={!canChange}
                  onChange={(value) => change(field, value)}
                  onLeave={() => check(changesOf(id, protocol, changes, settings))}
                />
              )}
            </Group>
          ))
        )}
      </Tabs>
      {canChange && (sheet !== undefined || changes.size > 0) && (
        <footer>
          <span class="hint" role="status">
            {changes.size > 0 ? t('servers.changes', { n: changes.size }) : ''}
          </span>
          <Button disabled={changes.size === 0} onClick={discard}>
            {t('shell.cancel')}
          </Button>
          <Button kind="primary" disabled={changes.size === 0} onClick={() => setApplying(true)}>
            {t('servers.apply')}
          </Button>
        </footer>
      )}
      {isApplying && (
        <ApplyDialog
          changes={changesOf(id, protocol, changes, settings)}
          onClose={(isApplied, found) => {
            setApplying(false)
            setMistakes(found)
            if (isApplied) applied().catch((error) => notifyProblem(problemOf(error)))
          }}
        />
      )}
    </section>
  )
}

/** Returns what to know about a port where clients connect to another one than the configuration says. */
function portHint(key: string, { server, settings, configuration }: Loaded): string | undefined {
  if (key !== 'port' && key !== 'tlsPort') return undefined
  const [port, configured] = [server[key], settings[key]]
  if (port === null || port === configured) return undefined
  if (configured === 0) return t('servers.freePort', { port: `${port}` })
  const offset = `${configuration.configuration.portOffset}`
  return t('servers.portWithOffset', { port: `${port}`, configured: `${configured}`, offset })
}

/** The mistakes of the changes, as the lab finds them. Fields are checked when they are left. */
function useMistakes() {
  const [mistakes, setMistakes] = useState<readonly InputMistake[]>([])
  const latest = useRef(0)
  const set = (found: readonly InputMistake[]): void => {
    latest.current++
    setMistakes(found)
  }
  const check = async (changes: ReturnType<typeof changesOf>): Promise<void> => {
    if (changes.length === 0) return set([])
    const own = ++latest.current
    const found = await call('configuration.change', { changes, dryRun: true }).then(
      () => [],
      // Apply shows what is not a mistake in a field.
      (error) => problemOf(error).errors,
    )
    if (own === latest.current) setMistakes(found)
  }
  return { mistakes, setMistakes: set, check }
}

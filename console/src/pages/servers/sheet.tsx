import { ArrowLeft } from 'lucide-preact'
import { useEffect, useState } from 'preact/hooks'
import { call, type OutputOf } from '../../api/client.ts'
import { type InputMistake, type Problem, problemOf } from '../../api/problem.ts'
import { Button } from '../../components/button.tsx'
import { ProblemState, Skeleton } from '../../components/states.tsx'
import { Tabs } from '../../components/tabs.tsx'
import { hrefOf, navigate, pathWith, useRoute } from '../../router.ts'
import { may } from '../../state/caller.ts'
import { t } from '../../texts/index.ts'
import { ApplyDialog } from './apply.tsx'
import {
  type FieldGroup,
  type FieldValue,
  groupsFor,
  patchOf,
  type SettingField,
  settingOf,
  sheetsFor,
  shownValue,
  valueOf,
} from './fields.ts'
import { CertificateCell, type Server } from './list.tsx'

type Settings = Readonly<Record<string, unknown>>

/** The property sheet of a virtual server. Apply shows the difference in the YAML file before it writes it. */
export function PropertySheet({ id }: { readonly id: string }) {
  const { query } = useRoute()
  const { loaded, problem, again } = useServer(id)
  const [changes, setChanges] = useState<ReadonlyMap<string, FieldValue>>(new Map())
  const [mistakes, setMistakes] = useState<readonly InputMistake[]>([])
  const [isApplying, setApplying] = useState(false)
  if (problem) return <ProblemState problem={problem} onRetry={again} />
  if (!loaded) return <Skeleton lines={10} />
  const { server, settings, configuration } = loaded
  const names = sheetsFor(server.protocol)
  const selected = names.find((name) => name === query.get('tab')) ?? names[0] ?? 'general'
  const canChange = may('administer') && !configuration.locked
  const change = (field: SettingField, value: FieldValue): void => {
    const next = new Map(changes)
    if (value === shownValue(field, valueOf(settings, field.key))) next.delete(field.key)
    else next.set(field.key, value)
    setChanges(next)
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
        tabs={names.map((name) => ({ name, label: t(`servers.${name}`) }))}
        selected={selected}
        onSelect={(tab) => navigate(pathWith(['servers', id], { tab }), { replace: true })}
      >
        {groupsFor(selected, server.protocol).map((group, index) => (
          <Group key={group.title ?? index} group={group} server={server}>
            {(field) => (
              <Setting
                key={field.key}
                field={field}
                value={changes.get(field.key) ?? shownValue(field, valueOf(settings, field.key))}
                mistake={mistakeOf(mistakes, field)}
                isDisabled={!canChange}
                onChange={(value) => change(field, value)}
              />
            )}
          </Group>
        ))}
      </Tabs>
      {canChange && (
        <footer>
          <span class="hint" role="status">
            {changes.size > 0 ? t('servers.changes', { n: changes.size }) : ''}
          </span>
          <Button disabled={changes.size === 0} onClick={() => setChanges(new Map())}>
            {t('shell.cancel')}
          </Button>
          <Button kind="primary" disabled={changes.size === 0} onClick={() => setApplying(true)}>
            {t('servers.apply')}
          </Button>
        </footer>
      )}
      {isApplying && (
        <ApplyDialog
          id={id}
          patch={patchOf(new Map([...changes].map(([key, value]) => [key, settingOf(fieldFor(server, key), value)])))}
          onClose={(applied, found) => {
            setApplying(false)
            setMistakes(found)
            if (!applied) return
            setChanges(new Map())
            again()
          }}
        />
      )}
    </section>
  )
}

/** Returns the field of a key. */
function fieldFor({ protocol }: Server, key: string): SettingField {
  const fields = sheetsFor(protocol).flatMap((name) => groupsFor(name, protocol).flatMap((group) => group.fields))
  return fields.find((field) => field.key === key) as SettingField
}

/** Returns what is wrong with a field: the pointer of a mistake ends with its key. */
const mistakeOf = (mistakes: readonly InputMistake[], { key }: SettingField): string | undefined =>
  mistakes.find(({ pointer }) => pointer.replace(/\/\d+$/, '').endsWith(`/${key.replace('.', '/')}`))?.message

function Group({
  group: { title, fields, certificate, note },
  server,
  children,
}: {
  readonly group: FieldGroup
  readonly server: Server
  readonly children: (field: SettingField) => preact.ComponentChild
}) {
  return (
    <fieldset class="settings">
      {title && <legend>{t(title)}</legend>}
      {certificate && (
        <div class="setting">
          <span>{t('servers.certificate')}</span>
          <CertificateCell certificate={server.certificate} />
          <a class="button" href={hrefOf(pathWith(['certificates', 'wizard'], { server: server.id }))}>
            {t('servers.certificateWizard')}
          </a>
        </div>
      )}
      {note?.only.includes(server.protocol) && <p class="hint">{t(note.text)}</p>}
      {fields.map(children)}
    </fieldset>
  )
}

interface SettingProps {
  readonly field: SettingField
  readonly value: FieldValue
  readonly mistake: string | undefined
  readonly isDisabled: boolean
  readonly onChange: (value: FieldValue) => void
}

function Setting({
  field: { key, label, hint, kind, choices = [] },
  value,
  mistake,
  isDisabled,
  onChange,
}: SettingProps) {
  const shared = {
    id: key,
    disabled: isDisabled,
    'aria-describedby': `${key}-hint`,
    'aria-invalid': mistake !== undefined,
  }
  const below = mistake ?? (hint && t(hint))
  return (
    <div class={`setting ${mistake ? 'bad' : ''} ${kind}`}>
      <label for={key}>{t(label)}</label>
      {typeof value === 'boolean' ? (
        <input
          {...shared}
          type="checkbox"
          checked={value}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      ) : kind === 'choice' ? (
        <select {...shared} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
          {choices.map((choice) => (
            <option key={choice} value={choice}>
              {choice === '' ? t('servers.default') : choice}
            </option>
          ))}
        </select>
      ) : (
        <input
          {...shared}
          value={value}
          inputMode={kind === 'number' ? 'numeric' : undefined}
          placeholder={t('servers.default')}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      )}
      <p id={`${key}-hint`} class="hint">
        {below}
      </p>
    </div>
  )
}

/** Reads a virtual server, its settings and the state of the configuration. */
function useServer(id: string) {
  const [loaded, setLoaded] = useState<{
    readonly server: Server
    readonly settings: Settings
    readonly configuration: OutputOf<'configuration.get'>
  }>()
  const [problem, setProblem] = useState<Problem>()
  const [attempts, setAttempts] = useState(0)
  useEffect(() => {
    Promise.all([call('virtualServers.get', { id }), call('configuration.get', {})]).then(
      ([server, configuration]) => {
        setProblem(undefined)
        const all = configuration.configuration.virtualServers as readonly Settings[]
        setLoaded({ server, configuration, settings: all.find(({ name }) => name === server.name) ?? {} })
      },
      (error) => setProblem(problemOf(error)),
    )
  }, [id, attempts])
  return { loaded, problem, again: () => setAttempts((count) => count + 1) }
}

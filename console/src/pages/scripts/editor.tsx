import { Trash2 } from 'lucide-preact'
import { useEffect, useState } from 'preact/hooks'
import { call } from '../../api/client.ts'
import { type Problem, problemOf } from '../../api/problem.ts'
import { useLive } from '../../api/use-live.ts'
import { Button } from '../../components/button.tsx'
import { useDraft } from '../../components/drafts.ts'
import { Field, Form } from '../../components/form.tsx'
import { removeUnlessUndone } from '../../components/removal.ts'
import { ProblemState, Skeleton } from '../../components/states.tsx'
import { notify } from '../../components/toast.tsx'
import { may } from '../../state/caller.ts'
import { t } from '../../texts/index.ts'
import { type Mistake, ScriptText } from './script-text.tsx'

/** The key of the changes of a script that are not saved. */
export const draftKey = (user: string, name: string): string => `script ${user} ${name}`

interface Script {
  readonly name: string
  readonly content: string
  readonly active: boolean
  readonly configured: boolean
}

const NEW: Script = {
  name: '',
  content:
    'require ["fileinto", "mailbox"];\n\nif header :contains "subject" "report" {\n  fileinto :create "Reports";\n}\n',
  active: true,
  configured: false,
}

/** Milliseconds without typing after which the lab checks the script. */
const CHECK_AFTER_MS = 400

interface EditorProps {
  readonly user: string
  /** Empty: a new script. */
  readonly name: string
  readonly onSaved: (name: string) => void
  readonly onRemoved: () => Promise<void>
}

/** Shows a script, with its mistakes while it is written. */
export function Editor({ user, name, onSaved, onRemoved }: EditorProps) {
  const { value: saved, problem } = useLive(
    async (): Promise<Script> => (name === '' ? NEW : call('scripts.get', { user, name })),
    ({ name: event }) => event === 'configuration.reloaded',
  )
  const [draft, setDraft] = useDraft<Script>(draftKey(user, name), name || t('scripts.add'))
  const shown = draft ?? saved
  const mistakes = useMistakes(user, shown)
  if (problem) return <ProblemState problem={problem} />
  if (!saved || !shown) return <Skeleton />
  const canWrite = may('change') && !saved.configured
  const save = async (): Promise<void> => {
    const { content, active } = shown
    if (canWrite) await call('scripts.put', { user, name: name || shown.name, content })
    await call('scripts.update', { user, name: name || shown.name, newName: shown.name, active })
    setDraft(undefined)
    notify(t('scripts.saved', { name: shown.name }))
    onSaved(shown.name)
  }
  const remove = (): void => {
    setDraft(undefined)
    removeUnlessUndone(draftKey(user, name), t('scripts.removed', { name }), async () => {
      await call('scripts.delete', { user, name })
      await onRemoved()
    })
  }
  return (
    <section aria-label={name || t('scripts.add')}>
      <Form
        onSubmit={save}
        submit={t('scripts.save')}
        fields={['name']}
        actions={
          canWrite &&
          name !== '' && (
            <Button
              icon={Trash2}
              disabled={saved.active}
              title={saved.active ? t('scripts.activeHint') : undefined}
              onClick={remove}
            >
              {t('scripts.remove')}
            </Button>
          )
        }
      >
        {saved.configured && <p class="hint">{t('scripts.configuredHint')}</p>}
        <Field
          name="name"
          label={t('scripts.name')}
          value={shown.name}
          readOnly={!canWrite}
          autofocus={name === ''}
          onInput={(next) => setDraft({ ...shown, name: next })}
        />
        <ScriptText
          value={shown.content}
          mistakes={mistakes}
          readOnly={!canWrite}
          onInput={(content) => setDraft({ ...shown, content })}
        />
        <label class="check">
          <input
            type="checkbox"
            checked={shown.active}
            disabled={!may('change')}
            onChange={(event) => setDraft({ ...shown, active: event.currentTarget.checked })}
          />
          {t('scripts.runs')}
        </label>
      </Form>
    </section>
  )
}

/** Returns the mistakes in a script, a moment after it has changed. Undefined: not checked. */
function useMistakes(user: string, script: Script | undefined): readonly Mistake[] | undefined {
  const [found, setFound] = useState<readonly Mistake[]>()
  const { content, configured } = script ?? {}
  useEffect(() => {
    if (content === undefined || configured || !may('change')) return
    const gone = new AbortController()
    const check = async (): Promise<void> => {
      try {
        await call('scripts.put', { user, name: 'check', content, dryRun: true }, { signal: gone.signal })
        setFound([])
      } catch (error) {
        if (!gone.signal.aborted) setFound(mistakesIn(problemOf(error)))
      }
    }
    const timer = setTimeout(() => void check(), CHECK_AFTER_MS)
    return () => {
      clearTimeout(timer)
      gone.abort()
    }
  }, [user, content, configured])
  return found
}

const mistakesIn = ({ errors }: Problem): readonly Mistake[] | undefined => {
  const found = errors.flatMap(({ line, message }) => (line === undefined ? [] : [{ line, message }]))
  return found.length > 0 ? found : undefined
}

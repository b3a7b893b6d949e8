import { ArrowLeft } from 'lucide-preact'
import { useState } from 'preact/hooks'
import { stringify } from 'yaml'
import { call, type InputOf } from '../../api/client.ts'
import { Problem, problemOf } from '../../api/problem.ts'
import { useLive } from '../../api/use-live.ts'
import { Button } from '../../components/button.tsx'
import { CopyButton } from '../../components/copy-button.tsx'
import { useDraft } from '../../components/drafts.ts'
import { Choice, Field, Form } from '../../components/form.tsx'
import { offerUndo } from '../../components/undo-change.ts'
import { navigate, pathWith } from '../../router.ts'
import { t } from '../../texts/index.ts'
import { ApplyDialog } from '../servers/apply.tsx'
import { type FormField, formFields, inWords, type Schema, shownIn, valueIn } from './fields.ts'
import { labelOf } from './labels.ts'
import { draftKey, type Item, pointerTo, type Section, schemaOf, type Values } from './sections.ts'

type Changes = InputOf<'configuration.change'>['changes']

/** The fields that were changed, as the form shows them. */
type Changed = Readonly<Record<string, string>>

interface ItemFormProps {
  readonly section: Section
  readonly schema: Schema
  readonly item: Item | undefined
  readonly isNew: boolean
  readonly canChange: boolean
  readonly onChange: () => void
}

/** The form of one thing. Apply shows the difference in the YAML before it writes it. */
export function ItemForm({ section, schema, item, isNew, canChange, onChange }: ItemFormProps) {
  const list = pathWith(['lab', section.name])
  const isConfigurable = section.path !== undefined && (item?.step !== undefined || section.isMapping || isNew)
  const title = isNew ? t(section.add) : (item?.name ?? t('lab.none'))
  return (
    <section class="lab-item" aria-label={title}>
      <header>
        <Button kind="plain" icon={ArrowLeft} label={t('lab.back')} onClick={() => navigate(list)} />
        <h2>{title}</h2>
      </header>
      {canChange && (isConfigurable || isNew) ? (
        <Editor section={section} schema={schema} item={item} isNew={isNew} onChange={onChange} />
      ) : (
        item && <Shown item={item} />
      )}
      {section.name === 'zones' && item && <ZoneFile name={item.name} />}
    </section>
  )
}

/** Shows a thing that cannot be changed here, as YAML. */
function Shown({ item: { values, live } }: { readonly item: Item }) {
  const text = stringify({ ...live, ...values })
  return (
    <div class="example">
      <pre tabIndex={0}>{text}</pre>
      <CopyButton text={text} />
    </div>
  )
}

/** The records of a zone: the generated ones, too. */
function ZoneFile({ name }: { readonly name: string }) {
  const { value = '' } = useLive(
    () => call('dnsZones.file', { name }),
    (event) => event.name === 'configuration.reloaded',
  )
  if (value === '') return null
  return (
    <>
      <h3>{t('lab.zoneFile')}</h3>
      <div class="example">
        <pre tabIndex={0}>{value}</pre>
        <CopyButton text={value} />
      </div>
    </>
  )
}

function Editor({ section, schema, item, isNew, onChange }: Omit<ItemFormProps, 'canChange'>) {
  // A zone that the lab generates is not in the configuration yet.
  const present = item ? { ...item.values, ...(section.key ? { [section.key]: item.name } : {}) } : {}
  const { main, others } = formFields(schemaOf(section, schema), section.fields, present)
  const fields = [...main, ...others]
  const [proposed] = useState<Changed>(() => (isNew ? (section.proposed?.() ?? {}) : {}))
  const [changed = proposed, keep] = useDraft<Changed>(draftKey(section, item), item?.name ?? t(section.title))
  const [applying, setApplying] = useState<Changes>()
  const isAdded = isNew || item?.step === undefined
  const done = (name: string): void => {
    keep(undefined)
    onChange()
    navigate(pathWith(['lab', section.name]))
    if (section.path) offerUndo(t(isNew ? 'lab.added' : 'lab.changed', { name }))
  }
  const initial = (field: FormField): string => proposed[field.key] ?? shownIn(field, present[field.key])
  const change = (next: Changed): void => {
    const isChanged = fields.some((field) => (next[field.key] ?? initial(field)) !== initial(field))
    keep(isChanged ? next : undefined)
  }
  const cancel = (): void => {
    keep(undefined)
    navigate(pathWith(['lab', section.name]))
  }
  const nameOf = (): string => changed[section.key ?? ''] ?? item?.name ?? ''
  const submit = async (): Promise<void> => {
    const values = valuesOf(fields, changed, isAdded)
    if (section.create) return section.create(values).then(() => done(nameOf()))
    const changes = changesOf(section, item, values)
    await dryRun(section, changes)
    setApplying(changes)
  }
  const fieldOf = (field: FormField) => (
    <ItemField
      key={field.key}
      field={field}
      value={changed[field.key] ?? initial(field)}
      autofocus={isNew && field === main[0]}
      isFixed={section.isMapping === true && item !== undefined && field.key === section.key}
      onChange={(value) => change({ ...changed, [field.key]: value })}
    />
  )
  return (
    <>
      <Form
        onSubmit={submit}
        submit={t(section.create ? section.add : 'servers.apply')}
        fields={fields.map(({ key }) => key)}
        actions={<Button onClick={cancel}>{t('shell.cancel')}</Button>}
      >
        {main.map(fieldOf)}
        {others.length > 0 && (
          <details>
            <summary>{t('lab.more', { n: others.length })}</summary>
            <div class="form">{others.map(fieldOf)}</div>
          </details>
        )}
      </Form>
      {applying && (
        <ApplyDialog
          changes={applying}
          onClose={(isApplied) => {
            setApplying(undefined)
            if (isApplied) done(nameOf())
          }}
        />
      )}
    </>
  )
}

interface ItemFieldProps {
  readonly field: FormField
  readonly value: string
  readonly autofocus: boolean
  /** The name of something that has one already. */
  readonly isFixed: boolean
  readonly onChange: (value: string) => void
}

function ItemField({
  field: { key, kind, schema, choices, isRequired },
  value,
  autofocus,
  isFixed,
  onChange,
}: ItemFieldProps) {
  const { description, default: usual, examples = [] } = schema
  const shared = { name: key, label: labelOf(key), hint: description && <span lang="en">{description}</span>, value }
  if (kind === 'choice') {
    const empty = usual === undefined ? t('servers.default') : `${t('servers.default')}: ${usual}`
    const options = [{ value: '', label: empty }, ...choices.map((one) => ({ value: one, label: one }))]
    return <Choice {...shared} choices={options} onChoose={onChange} />
  }
  const isLong = kind === 'lines' || kind === 'yaml'
  const example = examples[0] === undefined ? '' : shownIn({ kind }, examples[0])
  const placeholder = usual === undefined ? example : isLong ? shownIn({ kind }, usual) : inWords(usual)
  return (
    <Field
      {...shared}
      onInput={onChange}
      placeholder={kind === 'secret' ? '' : placeholder}
      readOnly={isFixed}
      autofocus={autofocus}
      required={isRequired}
      spellcheck={false}
      autocomplete={kind === 'secret' ? 'new-password' : 'off'}
      {...(kind === 'number' ? { inputMode: 'numeric' } : {})}
      {...(isLong ? { rows: Math.min(8, Math.max(2, value.split('\n').length + 1)) } : {})}
    />
  )
}

/** Returns the values of changed fields. New things have no empty ones. */
function valuesOf(fields: readonly FormField[], changed: Changed, isAdded: boolean): Values {
  const given = fields
    .filter(({ key }) => changed[key] !== undefined)
    .map((field) => [field.key, valueIn(field, changed[field.key] as string)] as const)
  return Object.fromEntries(given.filter(([, value]) => !isAdded || value !== null))
}

function changesOf(section: Section, item: Item | undefined, values: Values): Changes {
  const { isMapping, key = '' } = section
  if (item?.step !== undefined) return [{ op: 'merge', path: pointerTo(section, item.step), value: { ...values } }]
  if (!isMapping) return [{ op: 'set', path: pointerTo(section, '-'), value: values }]
  const { [key]: name = item?.name ?? '', ...others } = values
  return [{ op: 'set', path: pointerTo(section, `${name}`), value: others }]
}

/** Lets the lab look for mistakes. @throws Problem with the names of the fields */
async function dryRun({ path = [] }: Section, changes: Changes): Promise<void> {
  try {
    await call('configuration.change', { changes, dryRun: true })
  } catch (error) {
    const problem = problemOf(error)
    const isWithin = (pointer: string): boolean => pointer.startsWith(`/${path.join('/')}/`)
    const errors = problem.errors.map((one) =>
      isWithin(one.pointer)
        ? {
            ...one,
            pointer: `/${one.pointer
              .split('/')
              .slice(path.length + 2)
              .join('/')}`,
          }
        : one,
    )
    throw new Problem({ ...problem, title: problem.title, detail: problem.message, errors })
  }
}

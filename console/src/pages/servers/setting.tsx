import type { ComponentChild } from 'preact'
import type { InputMistake } from '../../api/problem.ts'
import { hrefOf, pathWith } from '../../router.ts'
import { t } from '../../texts/index.ts'
import type { FieldValue } from './fields.ts'
import { CertificateCell, type Server } from './list.tsx'
import type { FieldGroup, SettingField } from './sheets.ts'

/** A frame with the settings of a group. */
export function Group({
  group: { title, fields, certificate, note },
  server,
  children,
}: {
  readonly group: FieldGroup
  readonly server: Server
  readonly children: (field: SettingField) => ComponentChild
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
      {note && (note.only?.includes(server.protocol) ?? true) && <p class="hint">{t(note.text)}</p>}
      {fields.map(children)}
    </fieldset>
  )
}

interface SettingProps {
  readonly field: SettingField
  readonly value: FieldValue
  readonly hint: string | undefined
  readonly mistake: InputMistake | undefined
  readonly isDisabled: boolean
  readonly onChange: (value: FieldValue) => void
  /** Called when the field is left. */
  readonly onLeave: () => void
}

/** One setting with its hint, or with its mistake and the place of it in the file. */
export function Setting({ field, value, hint, mistake, isDisabled, onChange, onLeave }: SettingProps) {
  const { key, label, kind, choices = [], empty = 'servers.default' } = field
  const shared = {
    id: key,
    disabled: isDisabled,
    'aria-describedby': `${key}-hint`,
    'aria-invalid': mistake !== undefined,
    onBlur: onLeave,
  }
  const text = typeof value === 'boolean' ? '' : value
  const onInput = (event: Event): void => onChange((event.currentTarget as HTMLInputElement).value)
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
        <select {...shared} value={value} onChange={onInput}>
          {choices.map((choice) => (
            <option key={choice} value={choice}>
              {choice === '' ? t('servers.default') : choice}
            </option>
          ))}
        </select>
      ) : kind === 'yaml' ? (
        <textarea {...shared} value={text} rows={3} spellcheck={false} onInput={onInput} />
      ) : (
        <input
          {...shared}
          value={text}
          inputMode={kind === 'number' ? 'numeric' : undefined}
          placeholder={t(empty)}
          onInput={onInput}
        />
      )}
      <p id={`${key}-hint`} class="hint">
        {mistake ? <Mistake mistake={mistake} /> : hint}
      </p>
    </div>
  )
}

/** Shows what is wrong, and where in the file. */
export const Mistake = ({ mistake: { message, place, pointer } }: { readonly mistake: InputMistake }) => (
  <>
    {message} <code class="place">{place ?? pointer}</code>
  </>
)

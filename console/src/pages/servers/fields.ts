import { parse as parseYaml, stringify } from 'yaml'
import type { InputOf } from '../../api/client.ts'
import type { InputMistake } from '../../api/problem.ts'
import { type FieldGroup, type SettingField, type SheetName, sheets } from './sheets.ts'

/** Returns the groups of a page that a protocol has, with their fields. */
export const groupsFor = (name: SheetName, protocol: string): readonly FieldGroup[] =>
  sheets[name]
    .map((group) => ({ ...group, fields: group.fields.filter(({ only }) => !only || only.includes(protocol)) }))
    .filter(({ fields, certificate }) => fields.length > 0 || certificate)

/** Returns the pages of settings that a protocol has. */
export const sheetsFor = (protocol: string): readonly SheetName[] =>
  (Object.keys(sheets) as SheetName[]).filter((name) => groupsFor(name, protocol).length > 0)

/** Returns the field of a key. */
const fieldFor = (protocol: string, key: string): SettingField =>
  sheetsFor(protocol)
    .flatMap((name) => groupsFor(name, protocol).flatMap(({ fields }) => fields))
    .find((field) => field.key === key) as SettingField

/** The value of a field: text, except for the state of a check box. */
export type FieldValue = string | boolean

/** Returns what a field shows for a value of the configuration. */
export function shownValue({ kind }: SettingField, value: unknown): FieldValue {
  if (kind === 'check') return value === true
  if (kind === 'yaml') return isEmpty(value) ? '' : stringify(value).trimEnd()
  if (Array.isArray(value)) return value.join(', ')
  if (kind === 'choice' && hasMode(value)) return String(value.mode)
  return value === undefined || value === null ? '' : String(value)
}

/** `clientCertificates: { mode, trust }`: the form shows and changes its mode alone. */
const hasMode = (value: unknown): value is { readonly mode: unknown } =>
  typeof value === 'object' && value !== null && 'mode' in value

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || (Array.isArray(value) && value.length === 0)

/** Returns the value that a field stands for. Null removes the key. What is not YAML stays as it is: the lab refuses it. */
function settingOf({ kind, word }: SettingField, shown: FieldValue): unknown {
  if (typeof shown === 'boolean') return shown
  const text = shown.trim()
  if (text === '') return null
  if (kind === 'yaml') return yamlIn(text)
  if (kind === 'list') return text === word ? text : text.split(/[\s,]+/).filter(Boolean)
  return kind === 'number' && /^\d+$/.test(text) ? Number(text) : text
}

function yamlIn(text: string): unknown {
  try {
    return parseYaml(text)
  } catch {
    return text
  }
}

/** Returns the value of a key such as `limits.connections`. */
export const settingAt = (settings: unknown, key: string): unknown =>
  key.split('.').reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], settings)

type Change = InputOf<'configuration.change'>['changes'][number]

/**
 * Returns the changes of the configuration that fields stand for: those of the virtual server, and those of the lab.
 * @param settings the present ones of the virtual server
 */
export function changesOf(
  id: string,
  protocol: string,
  changed: ReadonlyMap<string, FieldValue>,
  settings: unknown,
): Change[] {
  const [own, ofLab] = [new Map<string, unknown>(), new Map<string, unknown>()]
  for (const [key, shown] of changed) {
    const field = fieldFor(protocol, key)
    const patch = field.ofLab ? ofLab : own
    const setting = settingOf(field, shown)
    patch.set(key, setting !== 'off' && hasMode(settingAt(settings, key)) ? { mode: setting } : setting)
  }
  const merge = (path: string, patch: ReadonlyMap<string, unknown>): Change[] =>
    patch.size === 0 ? [] : [{ op: 'merge', path, value: nested(patch) }]
  return [...merge(`/virtualServers/${id}`, own), ...merge('', ofLab)]
}

/** Returns a merge patch with the keys `limits.connections` … in their places. RFC 7396. */
function nested(changes: ReadonlyMap<string, unknown>): Record<string, unknown> {
  const patch: Record<string, unknown> = {}
  for (const [key, value] of changes) {
    const parts = key.split('.')
    let at = patch
    for (const part of parts.slice(0, -1)) {
      at[part] ??= {}
      at = at[part] as Record<string, unknown>
    }
    at[parts.at(-1) as string] = value
  }
  return patch
}

/** Returns what is wrong with a field. The pointer of a mistake is that of its key, or of a part of its value. */
export function mistakeOf(mistakes: readonly InputMistake[], { key, ofLab }: SettingField): InputMistake | undefined {
  const path = `/${key.replaceAll('.', '/')}/`
  return mistakes.find(({ pointer }) => {
    const own = ofLab ? pointer : /^\/virtualServers\/[^/]+(\/.*)/.exec(pointer)?.[1]
    return own !== undefined && `${own}/`.startsWith(path)
  })
}

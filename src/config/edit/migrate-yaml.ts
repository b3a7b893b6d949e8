import { isDeepStrictEqual } from 'node:util'
import { type DeprecatedKey, deprecatedKeys, renameKeys } from '../deprecations.ts'
import { assertVersion, OLD_CERTIFICATES, usesOldCertificates } from '../load.ts'
import { ConfigError, pathText, valueAt } from '../mistakes.ts'
import { parseText, withoutAnchors } from '../yaml.ts'
import { editYaml } from './edit-yaml.ts'

/** A configuration in its present form. */
interface Migrated {
  readonly text: string
  /** The changes, one line each. */
  readonly changes: readonly string[]
}

/**
 * Rewrites deprecated keys of a YAML text in their present form. All other octets stay as they are.
 * @param name the name of the text in messages
 * @param baseDir the folder to which folders in the text are relative
 * @throws ConfigError for a text that is not YAML or is of a newer version, and if a change is not possible
 */
export function migrateYaml(text: string, name: string, baseDir: string): Migrated {
  const keys = keysOf(text, name)
  const renamed = withRenamedKeys(text, name, keys)
  const changes = keys.map(({ mapping, from, newForm }) => `${pathText([...mapping, from])}: now ${newForm}`)
  const given = contentOf(renamed, name)
  if (!isMapping(given) || !usesOldCertificates(given, baseDir)) return { text: renamed, changes }
  // The long form { key: … } without a store.
  const path = valueAt(given, ['certificates']) === undefined ? '/certificates' : '/certificates/store'
  const { text: edited } = editYaml(renamed, name, [{ op: 'set', path, value: OLD_CERTIFICATES }])
  return {
    text: edited,
    changes: [...changes, `certificates: now names ${OLD_CERTIFICATES}, the default of earlier versions`],
  }
}

function keysOf(text: string, name: string): DeprecatedKey[] {
  const { at, offsetOf } = parseText(text, name)
  const given = contentOf(text, name)
  assertVersion(given, ({ path, message }) => {
    const offset = offsetOf(path)
    const place = at(offset)
    return { line: `${place}: ${pathText(path)}: ${message}`, offset, path, message, place }
  })
  return deprecatedKeys(given)
}

/** Aliases can use one key at several places. */
function withRenamedKeys(text: string, name: string, keys: readonly DeprecatedKey[]): string {
  const { keyAt } = parseText(text, name)
  const edits = new Map<number, { readonly end: number; readonly to: string }>()
  for (const { mapping, from, to } of keys) {
    const range = keyAt([...mapping, from])?.range
    if (range) edits.set(range[0], { end: range[1], to })
  }
  const renamed = [...edits]
    .sort(([a], [b]) => b - a)
    .reduce((before, [start, { end, to }]) => before.slice(0, start) + to + before.slice(end), text)
  if (isDeepStrictEqual(contentOf(renamed, name), renameKeys(contentOf(text, name), keys))) return renamed
  const [place, ...others] = keys.map(({ mapping, from }) => pathText([...mapping, from]))
  throw new ConfigError([
    `${name}: ${[place, ...others].join(', ')}: other places use the same keys by an alias (*name); change the file by hand`,
  ])
}

const contentOf = (text: string, name: string): unknown => withoutAnchors(parseText(text, name).content())

const isMapping = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)

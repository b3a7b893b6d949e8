import { isDeepStrictEqual } from 'node:util'
import { type DeprecatedKey, deprecatedKeys, renameKeys } from '../deprecations.ts'
import { assertVersion } from '../load.ts'
import { ConfigError, pathText } from '../mistakes.ts'
import { parseText, withoutAnchors } from '../yaml.ts'

/** A configuration in its present form. */
interface Migrated {
  readonly text: string
  /** The changes, one line each. */
  readonly changes: readonly string[]
}

/**
 * Rewrites deprecated keys of a YAML text in their present form. All other octets stay as they are.
 * @param name the name of the text in messages
 * @throws ConfigError for a text that is not YAML or is of a newer version, and if a change is not possible
 */
export function migrateYaml(text: string, name: string): Migrated {
  const keys = keysOf(text, name)
  const changes = keys.map(({ mapping, from, to }) => `${pathText([...mapping, from])}: now ${to}`)
  return { text: withRenamedKeys(text, name, keys), changes }
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

import { isDeepStrictEqual } from 'node:util'
import { isCollection, isMap, isScalar, type Node, Pair, Scalar, YAMLMap } from 'yaml'
import { shortForms } from '../deprecated-keys.ts'
import { type DeprecatedKey, mistakeOf, presentForm } from '../deprecations.ts'
import { assertVersion } from '../load.ts'
import { ConfigError, type Locate, pathText } from '../mistakes.ts'
import { parseText, withoutAnchors, type YamlText } from '../yaml.ts'
import { rewriteYaml } from './rewrite-yaml.ts'

/** A configuration in its present form. */
interface Migrated {
  readonly text: string
  /** The changes, one line each. */
  readonly changes: readonly string[]
}

/**
 * Rewrites deprecated keys of a YAML text in their present form. Comments and the form of all other lines stay.
 * @param name the name of the text in messages
 * @throws ConfigError for a text that is not YAML or is of a newer version, and if a change is not possible
 */
export function migrateYaml(text: string, name: string): Migrated {
  const { value, keys } = presentForm(parsedContent(text, name))
  if (keys.length === 0) return { text, changes: [] }
  const moved = keys.some(isMoved) ? rewriteYaml(text, name, (yaml) => moveKeys(yaml, keys)).text : text
  const renamed = withRenamedKeys(moved, name, presentForm(parsedContent(moved, name)).keys)
  if (!isDeepStrictEqual(parsedContent(renamed, name), value)) {
    const places = keys.map(({ mapping, from }) => pathText([...mapping, from])).join(', ')
    throw new ConfigError([
      `${name}: ${places}: other places use the same keys by an alias (*name); change the file by hand`,
    ])
  }
  return {
    text: renamed,
    changes: keys.map(({ mapping, from, present }) => `${pathText([...mapping, from])}: now ${present}`),
  }
}

/** Returns the content of a text. @throws ConfigError if it cannot be migrated */
function parsedContent(text: string, name: string): unknown {
  const { at, offsetOf, content } = parseText(text, name)
  const given = withoutAnchors(content())
  const locate: Locate = ({ path, message, onKey }) => {
    const offset = offsetOf(path, onKey)
    const place = at(offset)
    return { line: `${place}: ${pathText(path)}: ${message}`, offset, path, message, place }
  }
  assertVersion(given, locate)
  const twice = presentForm(given).keys.filter(({ isTwice }) => isTwice)
  if (twice.length > 0) throw new ConfigError(twice.flatMap((key) => mistakeOf(key) ?? []).map(locate))
  return given
}

const isMoved = ({ to }: DeprecatedKey): boolean => to.length > 1

/** Moves keys into the mappings that have them now. What aliases share is moved once. */
function moveKeys({ nodeAt }: YamlText, keys: readonly DeprecatedKey[]): void {
  for (const key of keys.filter(isMoved)) {
    const mapping = nodeAt(key.mapping)
    const pair = isMap(mapping)
      ? mapping.items.find((one) => isScalar(one.key) && one.key.value === key.from)
      : undefined
    if (isMap(mapping) && pair) movePair(mapping, pair as Pair<Scalar, Node | null>, key)
  }
}

function movePair(
  mapping: YAMLMap,
  pair: Pair<Scalar, Node | null>,
  { mapping: path, to, value }: DeprecatedKey,
): void {
  const at = mapping.items.indexOf(pair)
  mapping.items.splice(at, 1)
  let [target, place] = [mapping, at]
  for (const step of to.slice(0, -1)) {
    let group = target.get(step, true) as unknown
    if (!isMap(group)) {
      group = newGroup(group, step, path.length > 0 || target.flow === true)
      const key = new Scalar(step)
      Object.assign(key, { spaceBefore: pair.key.spaceBefore, commentBefore: pair.key.commentBefore })
      Object.assign(pair.key, { spaceBefore: false, commentBefore: null })
      const old = target.items.findIndex((one) => isScalar(one.key) && one.key.value === step)
      if (old === -1) target.items.splice(place, 0, new Pair(key, group))
      else (target.items[old] as Pair).value = group
    }
    target = group as YAMLMap
    place = target.items.length
  }
  // Braces hold only what fits a line.
  if (path.length === 0 && isCollection(pair.value) && !pair.value.flow) target.flow = false
  // In braces, a comment would end the line.
  if (target.flow && pair.value?.comment) {
    target.comment = pair.value.comment
    pair.value.comment = null
  }
  pair.key.value = to.at(-1)
  if (value !== undefined) pair.value = new Scalar(value)
  target.items.push(pair)
}

/** Creates a mapping; what was written in its short form is in it. */
function newGroup(short: unknown, step: string, isFlow: boolean): YAMLMap {
  const group = new YAMLMap()
  group.flow = isFlow
  if (isScalar(short) && short.value !== null) group.add(new Pair(new Scalar(shortForms[step]), short))
  return group
}

/** Renames keys, and writes their values in the present form. Aliases can use one key at several places. */
function withRenamedKeys(text: string, name: string, keys: readonly DeprecatedKey[]): string {
  const { keyAt, nodeAt } = parseText(text, name)
  const edits = new Map<number, { readonly end: number; readonly to: string }>()
  const edit = (node: Node | undefined, to: string): void => {
    if (node?.range) edits.set(node.range[0], { end: node.range[1], to })
  }
  for (const { mapping, from, to, value } of keys) {
    if (from !== to[0]) edit(keyAt([...mapping, from]), to.join('.'))
    if (value !== undefined) edit(nodeAt([...mapping, from]), String(value))
  }
  return [...edits]
    .sort(([a], [b]) => b - a)
    .reduce((before, [start, { end, to }]) => before.slice(0, start) + to + before.slice(end), text)
}

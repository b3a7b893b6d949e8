import { isDeepStrictEqual } from 'node:util'
import { isAlias, isCollection, isMap, isPair, isScalar, isSeq, type Node, visit } from 'yaml'
import { copyOf, originalPath, presentForm } from '../deprecations.ts'
import { ConfigError, type Path, pathText, valueAt } from '../mistakes.ts'
import type { YamlText } from '../yaml.ts'
import { isMerge } from '../yaml-errors.ts'
import { emptyAt, locatePath, stepsOf } from './config-path.ts'
import { assertAnchors, rewriteYaml } from './rewrite-yaml.ts'

/** A change of a configuration. `path` is a JSON pointer or a path as messages show it. */
export type ConfigChange =
  | { readonly op: 'set'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string }

/** A text after a change. */
interface Edited {
  readonly text: string
  /** The places of the changed values, in the order of the changes. */
  readonly paths: readonly Path[]
}

/**
 * Changes values in a YAML text. All other lines stay as they are, with their comments.
 * @param name the name of the text in messages
 * @throws ConfigError for a text that is not YAML, and for changes that are not possible
 */
export function editYaml(text: string, name: string, changes: readonly ConfigChange[]): Edited {
  const { text: edited, result: paths } = rewriteYaml(text, name, (yaml) => {
    const expected = copyOf(yaml.content())
    const changed = changes.map((change) => {
      const path = locateWritten(change.path, yaml.content())
      if (change.op === 'set') {
        setIn(yaml, path, change.value)
        putInto(expected, path, change.value)
      } else {
        removeIn(yaml, path)
        takeFrom(expected, path)
      }
      return path
    })
    assertAnchors(yaml)
    const shared = changed.filter(([first]) => !String(first).startsWith('x-'))
    if (shared.length === changed.length && !isDeepStrictEqual(yaml.content(), expected)) {
      throw mistake(yaml, changed[0] ?? [], 'is also used by an alias elsewhere (*name); change the file by hand')
    }
    return changed
  })
  return { text: edited, paths }
}

/** Returns the place of a value as the user has written it: below the old name of a key, if the file has that. */
function locateWritten(path: string, content: unknown): Path {
  const { value, keys } = presentForm(content)
  return originalPath(locatePath(stepsOf(path), value), keys)
}

function mistake({ at, offsetOf }: YamlText, path: Path, message: string): ConfigError {
  const place = at(offsetOf(path))
  return new ConfigError([{ path, place, offset: 0, message, line: `${place}: ${pathText(path)}: ${message}` }])
}

function setIn(yaml: YamlText, path: Path, value: unknown): void {
  const parent = parentOf(yaml, path, 'set')
  const key = path.at(-1)
  const old = parent.get(key, true) as unknown
  if (isScalar(old) && isPlain(value)) old.value = value
  else parent.set(key, newNode(yaml, parent, value))
}

function removeIn(yaml: YamlText, path: Path): void {
  const parent = parentOf(yaml, path, 'remove')
  if (parent.delete(path.at(-1))) return
  const inherited = valueAt(yaml.content(), path) !== undefined
  throw mistake(yaml, path, inherited ? 'comes from a merge key (<<); remove it there' : 'is not set in this file')
}

const isPlain = (value: unknown): boolean => typeof value !== 'object' || value === null

/** Creates a value that looks like those beside it. Lists of words take one line. */
function newNode({ document }: YamlText, parent: Collection, value: unknown): Node {
  const created = document.createNode(value, { flow: isFlow(parent, value) })
  visit(created, {
    Seq(_, list) {
      if (list.items.length > 0 && list.items.every(isScalar)) list.flow = true
    },
  })
  return created
}

function isFlow(parent: Collection, value: unknown): boolean {
  const beside = parent.items.map((item) => (isPair(item) ? item.value : item)).findLast((one) => isCollection(one))
  if (isSeq(parent)) return isCollection(beside) ? beside.flow === true : Object.values(value as object).every(isPlain)
  return parent.flow === true
}

type Collection = Extract<Node, { items: unknown[] }>

/** Returns the mapping or list that has the last step of a path. Creates the missing ones. @throws ConfigError */
function parentOf(yaml: YamlText, path: Path, op: ConfigChange['op']): Collection {
  const { document } = yaml
  if (!isCollection(document.contents))
    document.contents = document.createNode({}) as unknown as typeof document.contents
  let node = document.contents as Node
  for (const [depth] of path.entries()) {
    const here = path.slice(0, depth)
    if (isAlias(node)) throw aliasError(yaml, here, node.source)
    if (!isCollection(node)) {
      throw mistake(yaml, here, `is not a mapping or list; set it as a whole: ${pathText(here)}`)
    }
    if (depth === path.length - 1) return node
    node = childOf(yaml, node, path.slice(0, depth + 1), op)
  }
  throw new Error('a path has at least one step')
}

function childOf(yaml: YamlText, parent: Collection, path: Path, op: ConfigChange['op']): Node {
  const step = path.at(-1)
  const found = parent.get(step, true) as Node | undefined
  if (found && !(isScalar(found) && found.value === null)) return found
  const isMerged = isMap(parent) && parent.items.some(isMerge) && valueAt(yaml.content(), path) !== undefined
  if (isMerged)
    throw mistake(yaml, path, `comes from a merge key (<<); change it there, or set ${pathText(path)} as a whole`)
  if (op === 'remove') throw mistake(yaml, path, 'is not set in this file')
  const empty = emptyAt(path)
  const created = newNode(yaml, parent, empty)
  parent.set(step, created)
  return created
}

function aliasError(yaml: YamlText, path: Path, name: string): ConfigError {
  const { document, at } = yaml
  let place = ''
  visit(document, {
    Node(_, node) {
      if ((node as { anchor?: string }).anchor === name) place = at(node.range?.[0] ?? 0)
    },
  })
  return mistake(yaml, path, `is an alias of &${name} in ${place}; change that, or set ${pathText(path)} as a whole`)
}

/** Sets a value in a plain copy, as `setIn` does. */
function putInto(config: unknown, path: Path, value: unknown): void {
  let at = config as Record<string | number, unknown>
  for (const [depth, step] of path.slice(0, -1).entries()) {
    if (valueAt(at, [step]) == null) at[step] = emptyAt(path.slice(0, depth + 1))
    at = at[step] as Record<string | number, unknown>
  }
  at[path.at(-1) as string] = value
}

function takeFrom(config: unknown, path: Path): void {
  const parent = valueAt(config, path.slice(0, -1))
  const step = path.at(-1)
  if (Array.isArray(parent)) parent.splice(Number(step), 1)
  else delete (parent as Record<string, unknown>)[String(step)]
}

import { presentPath } from '../deprecations.ts'
import { defaultAt, schemasAt } from '../json-schema.ts'
import { ConfigError, type Path, pathText, valueAt } from '../mistakes.ts'
import { nearestWord } from '../nearest.ts'
import { virtualServerName } from '../resolve.ts'
import type { ServerProtocol } from '../schema.ts'

/** The step after the last item of a list. RFC 6901 section 4. */
export const APPENDED = '-'

/**
 * Splits the name of a value: a JSON pointer (`/virtualServers/0/port`), or a path as messages show it
 * (`virtualServers[0].port`, `limits["a key"]`). @throws ConfigError
 */
export function stepsOf(text: string): string[] {
  const steps = splitPath(text)
  // It would lead to the prototype of all objects.
  if (steps.includes('__proto__')) throw wrongPath(text, 'contains __proto__, which is not a key of a configuration')
  return steps
}

function splitPath(text: string): string[] {
  if (text === '' || text === '/') throw wrongPath(text, 'is empty; name a value, such as /virtualServers/0/port')
  if (text.startsWith('/')) {
    if (/~(?![01])/.test(text)) throw wrongPath(text, 'has a ~ that is neither ~0 nor ~1')
    return text
      .slice(1)
      .split('/')
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  }
  const steps = [...text.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[([^\]"]+)\]|(?:^|\.)([^.[\]]+)/g)]
  if (steps.map(([whole]) => whole).join('') !== text)
    throw wrongPath(text, 'is not a path such as virtualServers[0].port')
  return steps.map(([, quoted, index, word]) => {
    return quoted === undefined ? (index ?? word ?? '') : (JSON.parse(`"${quoted}"`) as string)
  })
}

const wrongPath = (text: string, why: string): ConfigError => new ConfigError([`path ${JSON.stringify(text)}: ${why}`])

/**
 * Finds the place of a value: items of lists also by name. An item that is not there yet is `-` or the next number. Lists
 * that are not set have the items of their default. Deprecated keys lead to their present form.
 * @param config the value of the whole configuration
 * @throws ConfigError
 */
export function locatePath(steps: readonly string[], config: unknown): Path {
  const path: (string | number)[] = []
  let at = config
  const present = presentPath(steps) as readonly string[]
  for (const [depth, step] of present.entries()) {
    const isLast = depth === present.length - 1
    path.push(Array.isArray(at) ? indexOf(step, at, path, isLast) : step)
    at = valueAt(at, path.slice(-1)) ?? emptyAt(path)
  }
  return path
}

/** Returns the path of the item of a list with this name, also if the name is a number. @throws ConfigError */
export function pathOfItem(list: Path, name: string, config: unknown): Path {
  const items = (valueAt(config, list) as unknown[] | null | undefined) ?? emptyAt(list)
  return [...list, indexByName(name, items as unknown[], list)]
}

/** Returns what a value that is not set contains: the items of its default. */
export function emptyAt(path: Path): unknown[] | Record<string, unknown> {
  const given = defaultAt(path)
  if (Array.isArray(given)) return structuredClone(given)
  return schemasAt(path).some(({ items }) => items !== undefined) ? [] : {}
}

function indexOf(step: string, list: readonly unknown[], path: Path, isLast: boolean): number {
  const index = step === APPENDED ? list.length : /^\d{1,9}$/.test(step) ? Number(step) : indexByName(step, list, path)
  if (index < list.length || (index === list.length && isLast)) return index
  const count = `has ${list.length} items, counted from 0`
  throw new ConfigError([missingValue(path, `${count}; write ${pathText(path)}[-] to add one`)])
}

const missingValue = (path: Path, message: string) => ({
  path,
  offset: 0,
  message,
  line: `${pathText(path)}: ${message}`,
})

/** Names in a message. */
const SHOWN_NAMES = 10

function indexByName(step: string, list: readonly unknown[], path: Path): number {
  const names = list.map((item) => itemNames(item, path))
  const found = names.findIndex((own) => own.some((name) => name.toLowerCase() === step.toLowerCase()))
  if (found !== -1) return found
  const ofProtocol = list.flatMap((item, index) => (valueAt(item, ['protocol']) === step ? [index] : []))
  if (path[0] === 'virtualServers' && ofProtocol.length === 1) return ofProtocol[0] as number
  const known = names.flatMap((own) => own.slice(0, 1))
  const some = known.length > SHOWN_NAMES ? [...known.slice(0, SHOWN_NAMES), '…'] : known
  const near = nearestWord(step, known)
  const message =
    ofProtocol.length > 1
      ? `has ${ofProtocol.length} items with protocol ${step}; name one: ${some.join(', ')}`
      : `has no item ${step}; ${near ? `did you mean ${near}?` : `there are: ${some.join(', ') || 'none'}`}`
  throw new ConfigError([missingValue(path, message)])
}

/** Returns a name as a part of a URL: `default-smtp-virtual-server`. */
export const slug = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')

/** Keys that tell the items of a list apart. */
const NAME_KEYS = ['name', 'user', 'url', 'peer']

/** Returns the names of an item: the first is for messages. */
function itemNames(item: unknown, list: Path): string[] {
  if (typeof item === 'string') return [item]
  if (list.length === 1 && list[0] === 'virtualServers') {
    const name = virtualServerName(item as { name?: string; protocol: ServerProtocol })
    return [name, slug(name)]
  }
  return NAME_KEYS.flatMap((key) => {
    const name = valueAt(item, [key])
    return typeof name === 'string' ? [name] : []
  }).slice(0, 1)
}

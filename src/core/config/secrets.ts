import { isScalar, type Node, visit } from 'yaml'
import { originalPath, presentForm } from './deprecations.ts'
import { childSchemas, type JsonSchema, labJsonSchema, schemasAt } from './json-schema.ts'
import { type Path, valueAt } from './mistakes.ts'
import { parseText } from './yaml.ts'

/** Shown in place of a secret. */
export const MASK = '***'

/** Returns the paths of the secrets in a configuration: passwords, tokens, keys of signatures. */
export function secretPaths(config: unknown): Path[] {
  const found: Path[] = []
  const walk = (value: unknown, path: Path, schemas: readonly JsonSchema[]): void => {
    if (typeof value === 'object' && value !== null) {
      const isList = Array.isArray(value)
      for (const [key, one] of Object.entries(value)) {
        const step = isList ? Number(key) : key
        walk(one, [...path, step], childSchemas(schemas, step))
      }
    } else if (value !== null && schemas.some(({ writeOnly }) => writeOnly)) found.push(path)
  }
  const { value: present, keys } = presentForm(config)
  walk(present, [], [labJsonSchema()])
  const written = found.splice(0).map((path) => originalPath(path, keys))
  // The present form has only one of two values.
  for (const { mapping, from, to, isTwice } of keys) {
    const path = [...originalPath(mapping, keys), from]
    if (isTwice) walk(valueAt(config, path), path, schemasAt([...mapping, ...to]))
  }
  return [...written, ...found]
}

/** Returns a copy of a configuration with its secrets masked. */
export function withoutSecrets<T>(config: T): T {
  const copy = structuredClone(config)
  for (const path of secretPaths(copy)) {
    let at = copy as Record<string | number, unknown>
    for (const step of path.slice(0, -1)) at = at[step] as Record<string | number, unknown>
    at[path.at(-1) as string] = MASK
  }
  return copy
}

/** Keys of secrets in the parts of a file that only aliases use. */
const SECRET_KEY = /password|secret|token$/i

/**
 * Returns a YAML text with its secrets masked. It has the same lines.
 * @throws ConfigError for a text that is not YAML
 */
export function textWithoutSecrets(text: string, name: string): string {
  const yaml = parseText(text, name)
  const secrets = new Set<Node>(secretPaths(yaml.content()).flatMap((path) => yaml.nodeAt(path) ?? []))
  visit(yaml.document, {
    Pair(_, { key, value }, path) {
      const [, top] = path as readonly Node[]
      const isAnchors = path.length > 2 && isAnchorKey(path[2])
      if (top && isAnchors && isScalar(key) && SECRET_KEY.test(String(key.value)) && isScalar(value)) secrets.add(value)
    },
  })
  const ranges = [...secrets].flatMap(({ range }) => (range ? [range] : [])).sort(([a], [b]) => b - a)
  return ranges.reduce((shown, [start, end]) => {
    const lines = text.slice(start, end).replaceAll(/[^\n]/g, '')
    return `${shown.slice(0, start)}'${MASK}'${lines}${shown.slice(end)}`
  }, text)
}

const isAnchorKey = (pair: unknown): boolean => {
  const { key } = pair as { readonly key?: unknown }
  return isScalar(key) && String(key.value).startsWith('x-')
}

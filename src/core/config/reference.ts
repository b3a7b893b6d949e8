import { stringify } from 'yaml'
import { type Deprecation, deprecations } from './deprecated-keys.ts'
import { branches, expectation, type JsonSchema, labJsonSchema, schemasAt } from './json-schema.ts'

/** Editors with YAML support read the schema from this line. */
const MODELINE = '# yaml-language-server: $schema=./sealpost.schema.json'

const WIDTH = 110

/** Returns the text of `config/reference.yaml`: a valid configuration with every key, its default and its description. */
export function referenceYaml(): string {
  const heading = [
    MODELINE,
    '# Every key of a lab with its default and its description. `npm run config:reference` generates this file.',
    '# Keys after a # have no default, or a default that depends on other keys. They show an example value.',
    '# Top-level keys that start with x- are ignored. Use them for YAML anchors.',
  ]
  return `${[...heading, ...mapping(labJsonSchema(), '')].join('\n')}\n`
}

/** Returns the text of `config/sealpost.schema.json`. */
export function jsonSchemaText(): string {
  return `${JSON.stringify({ title: 'A Sealpost lab', ...withDeprecatedKeys(labJsonSchema()) }, null, 2)}\n`
}

/**
 * Returns a JSON Schema that also describes the deprecated keys. Editors strike them through.
 * @param schema not changed
 */
export function withDeprecatedKeys(schema: JsonSchema): JsonSchema {
  const all = structuredClone(schema)
  // Keys in mappings that have moved themselves come first, so that the old mapping has them too.
  for (const { mappings, from, to, since } of (deprecations as readonly Deprecation[]).toReversed()) {
    if (from === to) continue
    for (const pattern of mappings) {
      const path = pattern === '' ? [] : pattern.split('.').map((step) => (step === '*' ? 0 : step))
      for (const { properties } of schemasAt(path, [all])) {
        const [present] = to
          .split('.')
          .reduce<readonly JsonSchema[]>(
            (found, step) =>
              found.flatMap((one) => branches(one).flatMap(({ properties: keys }) => keys?.[step] ?? [])),
            properties ? [{ properties }] : [],
          )
        const { default: _, ...rest } = present ?? {}
        const description = `Deprecated since ${since}: write \`${to}\`.`
        if (present) Object.assign(properties as object, { [from]: { ...rest, description, deprecated: true } })
      }
    }
  }
  return all
}

function mapping(schema: JsonSchema, indent: string): string[] {
  const keys = Object.entries(schema.properties ?? {})
  return keys.flatMap(([key, child]) => [
    ...(indent === '' ? [''] : []),
    ...comment(meaning(child), indent),
    ...entry(key, child, indent),
  ])
}

function meaning(schema: JsonSchema): string {
  const sentences = [schema.description ?? '']
  const words = branches(schema).some((branch) => branch.enum !== undefined)
  if (words) sentences.push(`One of ${expectation(branches(schema))}.`)
  return sentences.join(' ').trim()
}

function entry(key: string, schema: JsonSchema, indent: string): string[] {
  const item = schema.items && branches(schema.items).find((branch) => branch.properties)
  // Items with mutually exclusive keys would be invalid with every key set: they are shown as comments.
  if (item && schema.examples) {
    const keys = mapping(item, '  ').map((line) => `${indent}#   ${line}`)
    return [...scalar(key, schema, indent), `${indent}# Keys of each item:`, ...keys]
  }
  if (item) return [`${indent}${key}:`, `${indent}  -`, ...mapping(item, `${indent}    `)]
  // Without its required keys, or with no key at all, an optional mapping would be invalid: it is shown as a comment.
  if (schema.properties && isIncomplete(schema)) {
    return [`${key}:`, ...mapping(schema, '  ')].map((line) => `${indent}# ${line}`)
  }
  if (schema.properties) return [`${indent}${key}:`, ...mapping(schema, `${indent}  `)]
  return [...scalar(key, schema, indent), ...longForm(key, schema, indent)]
}

/** Returns whether a mapping that can be left out has keys that cannot, or an example instead of a use with its defaults. */
const isIncomplete = ({ default: preset, required = [], examples }: JsonSchema): boolean =>
  preset === undefined && (required.some((key) => !REQUIRED.has(key)) || examples !== undefined)

function scalar(key: string, schema: JsonSchema, indent: string): string[] {
  const example = schema.examples?.[0]
  const optional = schema.default === undefined && !REQUIRED.has(key)
  return [`${indent}${optional ? '# ' : ''}${key}: ${flow(schema.default ?? example)}`]
}

/** Required keys of list items. */
const REQUIRED = new Set(['user', 'password', 'name', 'protocol', 'peer'])

/** Returns the long form of a key that takes a plain value or a mapping. */
function longForm(key: string, schema: JsonSchema, indent: string): string[] {
  const long = branches(schema).filter((branch) => branch.properties)
  return long
    .flatMap((form) => [`# ${key}:`, ...mapping(form, '  ').map((line) => `# ${line}`)])
    .map((line) => indent + line)
}

function flow(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: false }).trim()
}

function comment(text: string, indent: string): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + word.length > WIDTH) {
      lines.push(line)
      line = ''
    }
    line += line === '' ? word : ` ${word}`
  }
  return [...lines, line].filter((part) => part !== '').map((part) => `${indent}# ${part}`)
}

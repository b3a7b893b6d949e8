import { stringify } from 'yaml'
import { branches, expectation, type JsonSchema, labJsonSchema } from './json-schema.ts'

/** What editors with YAML support take the schema from. */
const MODELINE = '# yaml-language-server: $schema=./sealpost.schema.json'

const WIDTH = 110

/** `config/reference.yaml`: every key with its default and its meaning; itself a lab's file. */
export function referenceYaml(): string {
  const heading = [
    MODELINE,
    '# Every key of a lab, with its default and its meaning. Made from the schema by `npm run config:reference`.',
    '# Keys behind a # have no default, or one that depends on others; what they show is an example.',
  ]
  return `${[...heading, ...mapping(labJsonSchema(), '')].join('\n')}\n`
}

/** `config/sealpost.schema.json`. */
export function jsonSchemaText(): string {
  return `${JSON.stringify({ title: 'A Sealpost lab', ...labJsonSchema() }, null, 2)}\n`
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
  // Items whose keys exclude one another are no file by themselves: they are shown behind the list.
  if (item && schema.examples) {
    const keys = mapping(item, '  ').map((line) => `${indent}#   ${line}`)
    return [...scalar(key, schema, indent), `${indent}# Each is`, ...keys]
  }
  if (item) return [`${indent}${key}:`, `${indent}  -`, ...mapping(item, `${indent}    `)]
  if (schema.properties) return [`${indent}${key}:`, ...mapping(schema, `${indent}  `)]
  return [...scalar(key, schema, indent), ...longForm(key, schema, indent)]
}

function scalar(key: string, schema: JsonSchema, indent: string): string[] {
  const example = schema.examples?.[0]
  const optional = schema.default === undefined && !REQUIRED.has(key)
  return [`${indent}${optional ? '# ' : ''}${key}: ${flow(schema.default ?? example)}`]
}

/** Keys of list items without which the file would not be valid. */
const REQUIRED = new Set(['user', 'password', 'name', 'protocol', 'peer'])

/** The mappings that may stand in a plain value's stead. */
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

import { compiled } from './output.mjs'

/** Where the compiler names a type that zod infers, and what it becomes. Inferred types have no doc comments. */
export const REPLACED = {
  'src/core/config/schema.d.ts': [
    'export type LabInput = PresentInput & OldKeys<PresentInput>;',
    "import type { LabInput } from './lab-input.ts';\nexport type { LabInput };",
  ],
  'src/core/config/schema/fault.d.ts': [
    'type Written = z.input<typeof fault>;',
    "type Written = NonNullable<NonNullable<import('../lab-input.ts').LabInput['testing']>['faults']>[number];",
  ],
}

/** Returns the declaration of a configuration, with the schema's descriptions and defaults as doc comments. */
export async function labInputDeclaration() {
  const [{ labJsonSchema }, { withDeprecatedKeys }] = await Promise.all([
    compiled('src/core/config/json-schema.js'),
    compiled('src/core/config/reference.js'),
  ])
  return `/** The keys of a lab's configuration. Generated from the schema. */\nexport type LabInput = ${typeOf(withDeprecatedKeys(labJsonSchema()), '')};\n`
}

/** Returns the TypeScript type of a JSON Schema. `indent` is the indentation of its line. */
function typeOf(schema, indent) {
  if ('const' in schema) return JSON.stringify(schema.const)
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  const branches = schema.anyOf ?? schema.oneOf
  if (branches) return [...new Set(branches.map((branch) => typeOf(branch, indent)))].join(' | ')
  if (schema.properties) return objectOf(schema, indent)
  const { additionalProperties: values } = schema
  if (typeof values === 'object') return `{ [key: string]: ${typeOf(values, indent)} }`
  if (schema.prefixItems) return `[${schema.prefixItems.map((item) => typeOf(item, indent)).join(', ')}]`
  if (schema.type === 'array') return `(${typeOf(schema.items, indent)})[]`
  const simple = { string: 'string', number: 'number', integer: 'number', boolean: 'boolean' }[schema.type]
  if (!simple) throw new Error(`no TypeScript type for ${JSON.stringify(schema)}`)
  return simple
}

function objectOf({ properties, required = [] }, indent) {
  const inner = `${indent}    `
  const lines = Object.entries(properties).map(([key, value]) => {
    const name = /^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key)
    const type = typeOf(value, inner)
    return `${comment(value, inner)}${inner}${name}${required.includes(key) ? `: ${type}` : `?: ${type} | undefined`};\n`
  })
  return `{\n${lines.join('')}${indent}}`
}

/** Returns a doc comment: the description and the default. */
function comment({ description, default: standard, deprecated }, indent) {
  const tags = [
    ...(deprecated
      ? [`@deprecated ${description.replace(/^Deprecated since /, '')}`]
      : description
        ? [description]
        : []),
    ...(standard === undefined ? [] : [`@default ${JSON.stringify(standard)}`]),
  ].map((line) => line.replaceAll('*/', '*\\/'))
  if (tags.length === 0) return ''
  if (tags.length === 1) return `${indent}/** ${tags[0]} */\n`
  return `${indent}/**\n${tags.map((tag) => `${indent} * ${tag}\n`).join('')}${indent} */\n`
}

/** The schemas that the clients use. Those that they refer to come with them. */
const SCHEMAS = [
  'Message',
  'MessageSummary',
  'Session',
  'VirtualServer',
  'Fault',
  'Clock',
  'Certificate',
  'Finding',
  'Problem',
]

/** The requests that the clients make types of: the operation, and the name of the type. */
const REQUESTS = {
  wait: 'MessageFilter',
  'faults.add': 'NewFault',
  'certificates.issue': 'NewCertificate',
  'messages.send': 'NewMessage',
}

/** The answers that have no name in the document: the operation, and the name of the type. */
const ANSWERS = { 'messages.unsubscribe': 'UnsubscribeAnswer', 'messages.headers': 'Mime' }

const REFERENCE = '#/components/schemas/'

const capitalized = (text) => text.charAt(0).toUpperCase() + text.slice(1)

/**
 * Returns what both languages need of an OpenAPI document: `types`, each with its name, its description and its properties,
 * and `enums`. A type of a property is `{ kind }`, one of string, integer, number, boolean, any, ref, list, map, enum, union.
 */
export function modelOf(document) {
  const { schemas } = document.components
  const types = new Map()

  function add(name, schema, isInput) {
    if (types.has(name)) return
    const type = { name, description: schema.description, isInput, properties: [] }
    types.set(name, type)
    for (const [key, property] of Object.entries(schema.properties ?? {})) {
      const { isNullable, ...shape } = shapeOf(property, name + capitalized(key), isInput)
      const isRequired = (schema.required ?? []).includes(key)
      type.properties.push({ key, description: property.description, isNullable, isRequired, shape })
    }
  }

  /** @param name the name of a type of its own, if the schema is an object with properties */
  function shapeOf(schema, name, isInput) {
    if (schema.$ref) {
      const target = schema.$ref.replace(REFERENCE, '')
      if (!schemas[target].properties) return { kind: 'map', of: { kind: 'any' } }
      add(target, schemas[target], isInput)
      return { kind: 'ref', name: target }
    }
    if (schema.anyOf) {
      const others = schema.anyOf.filter((one) => one.type !== 'null')
      const isNullable = others.length < schema.anyOf.length
      const shapes = others.map((one) => shapeOf(one, name, isInput))
      return shapes.length === 1 ? { ...shapes[0], isNullable } : { kind: 'union', of: shapes, isNullable }
    }
    if (Array.isArray(schema.type)) {
      const [type] = schema.type.filter((one) => one !== 'null')
      return { ...shapeOf({ ...schema, type }, name, isInput), isNullable: true }
    }
    if (schema.enum) return { kind: 'enum', values: schema.enum }
    if (schema.type === 'array')
      return { kind: 'list', of: shapeOf(schema.items ?? {}, name.replace(/s$/, ''), isInput) }
    if (schema.type !== 'object') return { kind: schema.type ?? 'any' }
    if (Object.keys(schema.properties ?? {}).length > 0) {
      add(name, schema, isInput)
      return { kind: 'ref', name }
    }
    const values = schema.additionalProperties
    return { kind: 'map', of: values?.type ? shapeOf(values, name, isInput) : { kind: 'any' } }
  }

  for (const name of SCHEMAS) add(name, schemas[name], false)
  const all = Object.values(document.paths).flatMap((path) => Object.values(path))
  const schemaIn = ({ content }) => content['application/json'].schema
  const operation = (id) => all.find(({ operationId }) => operationId === id)
  const bodyOf = (id) => schemaIn(operation(id).requestBody)
  for (const [id, name] of Object.entries(ANSWERS)) add(name, schemaIn(operation(id).responses[200]), false)
  for (const [id, name] of Object.entries(REQUESTS)) add(name, bodyOf(id), true)

  const [choice] = bodyOf('virtualServers.update').properties.certificate.anyOf
  const valuesOf = (key) => choice.anyOf.find(({ properties }) => properties?.[key]).properties[key].enum
  return {
    types: [...types.values()],
    enums: { CertificateDefect: valuesOf('defect'), CertificateVariant: valuesOf('variant') },
  }
}

import { childSchemas, type JsonSchema, labJsonSchema, propertyDefault } from './json-schema.ts'
import { valueAt } from './mistakes.ts'
import { withPersonalityDefaults } from './personality.ts'
import { accountAddresses, idleTimeoutOf, portsOf, virtualServerName } from './resolve.ts'
import type { LabConfig } from './schema.ts'

/**
 * Returns a valid configuration with its defaults filled in, as a user would write it: every value can be written to the
 * file as it stands. Keys without a default, such as quotas, are left out.
 * @param input the configuration as the user has written it, with the overrides
 * @param config the same configuration, validated
 */
export function effectiveInput(input: unknown, config: LabConfig): Record<string, unknown> {
  const written = withPersonalityDefaults(input) as Record<string, unknown>
  const { certificates: store } = written
  const whole = typeof store === 'string' ? { ...written, certificates: { store } } : written
  const filled = fill(whole, [labJsonSchema()], config) as Record<string, unknown>
  const certificate = valueAt(filled, ['certificates', 'default'])
  const { personality } = filled
  const virtualServers = config.virtualServers.map((server, index) => {
    const own = valueAt(filled, ['virtualServers', index]) as Record<string, unknown>
    const { port, tlsPort } = portsOf(server, 0)
    // HTTP has two defaults, which no single value stands for.
    const idle = server.protocol === 'http' ? {} : { idleTimeout: `${idleTimeoutOf(server.protocol) / 60_000}m` }
    const limits = { ...idle, ...(own.limits as object) }
    return { certificate, personality, ...own, name: virtualServerName(server), port, tlsPort, limits }
  })
  const listed = config.directory.accounts.filter(({ origin }) => origin === undefined)
  const accounts = listed.map((account, index) => ({
    ...(valueAt(filled, ['directory', 'accounts', index]) as object),
    addresses: accountAddresses(account, config.domain),
  }))
  return { ...filled, directory: { ...(filled.directory as object), accounts }, virtualServers }
}

/** @param validated the same value, validated */
function fill(value: unknown, schemas: readonly JsonSchema[], validated: unknown): unknown {
  const below = (one: unknown, step: string | number): unknown =>
    fill(one, childSchemas(schemas, step), valueAt(validated, [step]))
  if (Array.isArray(value)) return value.map(below)
  if (typeof value !== 'object' || value === null) return value
  const given = Object.keys(value)
  const schema = schemas.find(({ properties }) => properties && given.every((key) => key in properties))
  const others = Object.keys(schema?.properties ?? {}).filter((key) => !given.includes(key))
  const missing = others.flatMap((key): [string, unknown][] => {
    const preset = propertyDefault(schema, key) ?? emptyOf(valueAt(validated, [key]))
    return preset === undefined ? [] : [[key, preset]]
  })
  return Object.fromEntries([...Object.entries(value), ...missing].map(([key, one]) => [key, below(one, key)]))
}

/** The JSON Schema has no defaults of lists and mappings whose items are transformed. */
const emptyOf = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0 ? value : undefined

import { childSchemas, type JsonSchema, labJsonSchema, propertyDefault } from './json-schema.ts'
import { valueAt } from './mistakes.ts'
import { addressesOf, idleTimeoutOf, portsOf, virtualServerName } from './resolve.ts'
import type { LabConfig } from './schema.ts'

/**
 * Returns a valid configuration with its defaults filled in, as a user would write it: every value can be written to the
 * file as it stands. Keys without a default, such as quotas, are left out.
 * @param input the configuration as the user has written it, with the overrides
 * @param config the same configuration, validated
 */
export function effectiveInput(input: unknown, config: LabConfig): Record<string, unknown> {
  const filled = fill(input, [labJsonSchema()]) as Record<string, unknown>
  const { certificate } = filled
  const virtualServers = config.virtualServers.map((server, index) => {
    const own = valueAt(filled, ['virtualServers', index]) as Record<string, unknown>
    const { port, tlsPort } = portsOf(server, 0)
    const limits = { idleTimeout: `${idleTimeoutOf(server.protocol) / 60_000}m`, ...(own.limits as object) }
    return { certificate, ...own, name: virtualServerName(server), port, tlsPort, limits }
  })
  const accounts = config.directory.accounts.map((account, index) => ({
    ...(valueAt(filled, ['directory', 'accounts', index]) as object),
    addresses: addressesOf(account, config.domain),
  }))
  return { ...filled, directory: { ...(filled.directory as object), accounts }, virtualServers }
}

function fill(value: unknown, schemas: readonly JsonSchema[]): unknown {
  if (Array.isArray(value)) return value.map((item, index) => fill(item, childSchemas(schemas, index)))
  if (typeof value !== 'object' || value === null) return value
  const given = Object.keys(value)
  const schema = schemas.find(({ properties }) => properties && given.every((key) => key in properties))
  const others = Object.keys(schema?.properties ?? {}).filter((key) => !given.includes(key))
  const missing = others.flatMap((key): [string, unknown][] => {
    const preset = propertyDefault(schema, key)
    return preset === undefined ? [] : [[key, preset]]
  })
  return Object.fromEntries(
    [...Object.entries(value), ...missing].map(([key, one]) => [key, fill(one, childSchemas(schemas, key))]),
  )
}

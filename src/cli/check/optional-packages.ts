import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

/** The optional packages, and what needs each. */
export const optionalPackages = {
  lmdb: 'messages on disk (store: { lmdb: FOLDER })',
  pg: 'messages in PostgreSQL, which several nodes share (store: { postgres: URL })',
  'oidc-provider': 'the authorization server of the lab (OAuth 2.0)',
  'acme-client': 'certificates from an ACME authority',
  '@modelcontextprotocol/server': 'agents (sealpost mcp and /mcp)',
} as const

export type OptionalPackage = keyof typeof optionalPackages

const { resolve } = createRequire(import.meta.url)

/** Returns the version of an installed package without loading it; undefined if it is not installed. */
export function installedVersion(name: OptionalPackage): string | undefined {
  for (const modules of resolve.paths(name) ?? []) {
    const file = join(modules, name, 'package.json')
    if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
  }
  return undefined
}

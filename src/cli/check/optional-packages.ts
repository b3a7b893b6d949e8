import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { isBinary, readPackageFile } from '../../core/files/package-files.ts'

/** The optional packages, and what needs each. */
export const optionalPackages = {
  lmdb: 'messages on disk (store: { lmdb: FOLDER })',
  pg: 'messages in PostgreSQL, which several nodes share (store: { postgres: URL })',
  'oidc-provider': 'the authorization server of the lab (OAuth 2.0)',
  'acme-client': 'certificates from an ACME authority',
  '@modelcontextprotocol/server': 'agents (sealpost mcp and /mcp)',
} as const

export type OptionalPackage = keyof typeof optionalPackages

/** Returns the version of an installed package without loading it; undefined if it is not installed. */
export function installedVersion(name: OptionalPackage): string | undefined {
  if (isBinary) return versionIn(`${readPackageFile(`node_modules/${name}/package.json`)}`)
  for (const modules of createRequire(import.meta.url).resolve.paths(name) ?? []) {
    const file = join(modules, name, 'package.json')
    if (existsSync(file)) return versionIn(readFileSync(file, 'utf8'))
  }
  return undefined
}

const versionIn = (text: string): string => (JSON.parse(text) as { version: string }).version

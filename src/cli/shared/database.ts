import pino from 'pino'
import { isShared, type ResolvedLab } from '../../core/config/resolve.ts'
import { CLUSTER_NAME, DEFAULT_CLUSTER_NAME } from '../../core/config/schema/store.ts'
import { openLabDatabase } from '../../lab/cluster/database.ts'
import type { Database, DatabaseSettings } from '../../storage/index.ts'
import type { KeyProtection } from '../../tls/pki/certificate-store/sealed-files.ts'
import { UsageError } from './failure.ts'

/** Connections that a command uses. A change of certificates has one, and reads over another. */
const POOL = 2

const ADDRESS = /^postgres(?:ql)?:\/\//i

/**
 * Reads `postgres://…#NAME`, which commands take in place of a configuration. Undefined if `text` is not an address.
 * @throws UsageError if no lab can have that name
 */
export function databaseAt(text: string): { readonly url: string; readonly schema: string } | undefined {
  if (!ADDRESS.test(text)) return undefined
  // Not the class URL, which refuses the ports of several hosts.
  const [url = '', name = ''] = text.split('#')
  const schema = name || DEFAULT_CLUSTER_NAME
  if (!CLUSTER_NAME.test(schema)) {
    throw new UsageError(
      // The text may be a part of a password with #.
      'the name of the lab after # (cluster.name): write up to 40 lower-case letters, digits and underscores',
    )
  }
  return { url, schema }
}

/** How a command uses a database. A reader never creates tables. */
export type Access = Pick<DatabaseSettings, 'isReader'>

/** Returns how a lab keeps private keys in its database. */
export const keyProtectionOf = ({ cluster }: ResolvedLab, { isReader = false }: Access = {}): KeyProtection => ({
  secret: cluster?.keySecret,
  fallback: cluster?.keySecretFallback,
  seals: isReader ? 'none' : 'first',
})

/** Connects to the database of a lab for one command. @throws UsageError if the lab has none; DatabaseError */
export async function openDatabaseOf(lab: ResolvedLab, access: Access = {}): Promise<Database> {
  const { store } = lab
  const database = isShared(store)
    ? await openLabDatabase({ ...lab, store: { ...store, pool: POOL } }, pino({ level: 'silent' }), access)
    : undefined
  if (!database) throw new UsageError('the lab has no database; set store: { postgres: URL }')
  return database
}

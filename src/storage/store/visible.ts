import { type Folder, PUBLIC_OWNER } from './folder.ts'

/** The newsgroups of the tenant that an account belongs to. */
interface OfTenant {
  ownsNewsgroup(name: string): boolean
}

/**
 * Returns whether an account sees a folder. All but newsgroups are decided by their owners. Of newsgroups, the account of a
 * tenant sees what the tenant's token sees: those of the tenant. Another account sees all but those for certain accounts,
 * whose names are compared in any case.
 */
export function isVisibleTo(folder: Folder, user: string | undefined, tenant: OfTenant | undefined): boolean {
  if (folder.owner !== PUBLIC_OWNER) return true
  if (tenant) return tenant.ownsNewsgroup(folder.name)
  const prefix = folder.newsgroup?.onlyAccounts?.toLowerCase()
  return prefix === undefined || user === undefined || user.toLowerCase().startsWith(prefix)
}

import type { Folder } from './types.ts'

/**
 * Returns whether an account sees a folder: all but the newsgroups that only other accounts see. Names are compared in
 * any case.
 * @param tenant the tenant of the account
 */
export function isVisibleTo(folder: Folder, user: string | undefined, tenant: string | undefined): boolean {
  const prefix = folder.newsgroup?.onlyAccounts?.toLowerCase()
  if (prefix === undefined || user === undefined) return true
  // The account of a tenant `a-b` begins with the name of a tenant `a`, too.
  return user.toLowerCase().startsWith(prefix) && (tenant === undefined || `${tenant}-`.toLowerCase() === prefix)
}

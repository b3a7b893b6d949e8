import type { Folder } from './types.ts'

/** Returns whether an account sees a folder: all but the newsgroups that only other accounts see. Names are compared in any case. */
export function isVisibleTo(folder: Folder, user: string | undefined): boolean {
  const prefix = folder.newsgroup?.onlyAccounts
  return prefix === undefined || user === undefined || user.toLowerCase().startsWith(prefix.toLowerCase())
}

import { folders } from '../../state/folders.ts'
import { mayManage } from '../news/groups.ts'
import type { Choice } from './actions.ts'
import type { MailFilter } from './filter.ts'

/** Returns the messages that the caller may change: for accounts, all but articles, which belong to everybody. */
export function changeableIds(ids: readonly string[]): readonly string[] {
  if (mayManage()) return ids
  const newsgroups = (folders.value ?? []).filter(({ newsgroup }) => newsgroup !== null)
  return ids.filter((id) => !newsgroups.some((folder) => id.startsWith(`${folder.id}.`)))
}

/** Returns the chosen messages that the caller may change; undefined if there are none. In a search, the lab skips articles. */
export function changeablePart(choice: Choice | undefined, { newsgroup }: MailFilter): Choice | undefined {
  if (!choice || (newsgroup !== undefined && !mayManage())) return undefined
  if (choice.kind === 'all') return choice
  const ids = changeableIds(choice.ids)
  return ids.length > 0 ? { ...choice, ids } : undefined
}

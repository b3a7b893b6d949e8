import { call, type Schemas } from '../../api/client.ts'
import type { LiveEvent } from '../../api/live.ts'
import { type Live, useLive } from '../../api/use-live.ts'
import { callerState, may } from '../../state/caller.ts'

export type Newsgroup = Schemas['Newsgroup']

export type Groups = Live<readonly Newsgroup[]>

/** Reads the newsgroups, and reads them again when articles come, go or are read. */
export const useGroups = (): Groups =>
  useLive(
    async () => (await call('newsgroups.list', {})).items,
    (event) => isOfNews(event),
  )

/** Whether an event can change what newsgroups have. @param folder only events of the newsgroup with this folder */
export function isOfNews({ name, data }: LiveEvent, folder?: string): boolean {
  if (name === 'lab.reset' || name === 'configuration.reloaded') return true
  if (!name.startsWith('message.')) return false
  const { id, message } = data as { readonly id?: string; readonly message?: Schemas['MessageSummary'] }
  if (folder !== undefined) return id?.startsWith(`${folder}.`) ?? false
  // A deleted message has its id only.
  return message === undefined || message.newsgroup !== null
}

/** Newsgroups of control messages, which servers fill. RFC 5537 section 5. */
export const isControl = ({ name }: Newsgroup): boolean => name === 'control' || name.startsWith('control.')

/** Whether the caller may create, change and delete newsgroups, and change and delete articles. Accounts may not. */
export const mayManage = (): boolean =>
  may('change') && callerState.value.name === 'in' && callerState.value.caller.role !== 'account'

/** Returns the names of newsgroups in a field, with commas or spaces between them. */
export const namesIn = (text: string): string[] => [...new Set(text.split(/[\s,]+/).filter(Boolean))]

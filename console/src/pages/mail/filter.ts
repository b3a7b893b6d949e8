import type { InputOf, Schemas } from '../../api/client.ts'
import { pathWith } from '../../router.ts'

/** Which messages the list shows. Kept in the URL. */
export interface MailFilter {
  readonly account?: string | undefined
  /** Name of a mailbox, or of the domain of captured mail. */
  readonly folder?: string | undefined
  readonly newsgroup?: string | undefined
  readonly captured: boolean
  /** A search. */
  readonly search: string
  /** Whether only the newest message of each thread is shown. */
  readonly threads: boolean
}

export function filterIn(query: URLSearchParams): MailFilter {
  return {
    account: query.get('account') ?? undefined,
    folder: query.get('folder') ?? undefined,
    newsgroup: query.get('newsgroup') ?? undefined,
    captured: query.has('captured'),
    search: query.get('q') ?? '',
    threads: query.has('threads'),
  }
}

/** Returns the parameters of the URL for a filter. */
const queryOf = ({ account, folder, newsgroup, captured, search, threads }: MailFilter) => ({
  account,
  folder,
  newsgroup,
  captured: captured ? '1' : undefined,
  q: search,
  threads: threads ? '1' : undefined,
})

/** Returns the URL of a list, and of a message in it. */
export const mailPath = (filter: MailFilter, id?: string, tab?: string): string =>
  pathWith(id === undefined ? ['mail'] : ['mail', id], { ...queryOf(filter), tab })

/** Returns what selects the same messages in the API. */
export function selectionOf({ account, folder, newsgroup, captured, search }: MailFilter): InputOf<'messages.list'> {
  return {
    account,
    folder,
    newsgroup,
    captured: captured || undefined,
    ...(wantsArticles({ newsgroup, search }) ? {} : { articles: false }),
    query: search.trim() || undefined,
  }
}

/** Articles of newsgroups are not mail: a list has them only if its newsgroup or its search asks for them. */
const wantsArticles = ({ newsgroup, search }: Pick<MailFilter, 'newsgroup' | 'search'>): boolean =>
  newsgroup !== undefined || /(?:^|\s)-?(?:articles|newsgroup):/i.test(search)

/** Returns whether a folder belongs to the list, whatever the search. */
export const hasFolder = (filter: MailFilter, folder: Folder): boolean =>
  (filter.account === undefined || folder.account === filter.account) &&
  (filter.folder === undefined || folder.name.toLowerCase() === filter.folder.toLowerCase()) &&
  (filter.newsgroup === undefined
    ? folder.newsgroup === null || wantsArticles(filter)
    : folder.newsgroup === filter.newsgroup) &&
  (!filter.captured || folder.captured)

/** Returns whether a message belongs to the list, whatever the search. */
export const belongs = (filter: MailFilter, { account, folder, newsgroup, captured }: Summary): boolean =>
  hasFolder(filter, { account, name: folder.name, newsgroup, captured } as Folder)

/** Whether the browser can decide itself which new messages belong to the list. */
export const isPlain = ({ search, threads }: MailFilter): boolean => search.trim() === '' && !threads

export type Folder = Schemas['Folder']
export type Summary = Schemas['MessageSummary'] & {
  readonly thread?: { readonly messages: number; readonly unread: number } | undefined
  /** The message and its copies in other mailboxes. */
  readonly copies?: readonly { readonly id: string; readonly account: string | null }[] | undefined
}

import { pathWith, useRoute } from '../../router.ts'

/** The part of News that the page shows. Kept in the URL. */
export type Place =
  | { readonly kind: 'groups' }
  | { readonly kind: 'feeds'; readonly feed: string | undefined }
  | {
      readonly kind: 'group'
      readonly name: string
      /** Id of the open article. */
      readonly article: string | undefined
      /** A search within the newsgroup. */
      readonly search: string
      /** Page of the list of threads, from 1. */
      readonly page: number
    }

export type GroupPlace = Extract<Place, { readonly kind: 'group' }>

export function usePlace(): Place {
  const { rest, query } = useRoute()
  const [kind, name, article] = rest
  if (kind === 'feeds') return { kind, feed: name }
  if (kind !== 'groups' || name === undefined) return { kind: 'groups' }
  const page = Math.max(1, Math.trunc(Number(query.get('page') ?? 1)) || 1)
  return { kind: 'group', name, article, search: query.get('q') ?? '', page }
}

/** Returns the URL of a newsgroup, and of an article in it. @param tab the tab of the article */
export function groupPath(
  name: string,
  { article, search, page = 1 }: Partial<Pick<GroupPlace, 'article' | 'search' | 'page'>> = {},
  tab?: string | null,
): string {
  const query = { q: search, page: page > 1 ? `${page}` : undefined, tab: tab ?? undefined }
  return pathWith(['news', 'groups', name, ...(article === undefined ? [] : [article])], query)
}

export const feedPath = (feed?: string): string => pathWith(['news', 'feeds', ...(feed === undefined ? [] : [feed])])

export const groupsPath = pathWith(['news'])

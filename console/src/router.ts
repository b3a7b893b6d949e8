import { useLocation, useSearch } from 'wouter-preact'
import { navigate as browserNavigate } from 'wouter-preact/use-browser-location'
import { base } from './base.ts'

/** The base as the router has it: without a slash at the end. */
export const routerBase = base.slice(0, -1)

interface NavigateOptions {
  /** Replaces the entry of the history: for changes that Back should not stop at. */
  readonly replace?: boolean
}

/** Opens a page: `/mail/ID?tab=source`, without the base. */
export const navigate = (to: string, options: NavigateOptions = {}): void => browserNavigate(routerBase + to, options)

/** Returns the URL of a page, for `href`. */
export const hrefOf = (to: string): string => routerBase + to

interface Route {
  /** First part of the path, such as `mail`. */
  readonly page: string
  /** The parts after it, decoded. */
  readonly rest: readonly string[]
  readonly query: URLSearchParams
}

/** Returns where the console is. Renders the component again when that changes. */
export function useRoute(): Route {
  const [path] = useLocation()
  const search = useSearch()
  const [page = '', ...rest] = path.split('/').slice(1).map(decoded)
  return { page, rest, query: new URLSearchParams(search) }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** Returns a path with parameters. Empty ones are left out. */
export function pathWith(
  parts: readonly string[],
  query: URLSearchParams | Readonly<Record<string, string | undefined>> = {},
): string {
  const given = query instanceof URLSearchParams ? [...query] : Object.entries(query)
  const kept = given.filter((one): one is [string, string] => one[1] !== undefined && one[1] !== '')
  const search = new URLSearchParams(kept)
  return `/${parts.map(encodeURIComponent).join('/')}${search.size > 0 ? `?${search}` : ''}`
}

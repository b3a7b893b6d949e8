import { type Like, type LikeConfig, type LikeTool, likeOf } from '../../src/core/config/schema/like.ts'

/** The place of a request among the paths of a virtual server. */
interface Place {
  /** The path at which the application has it. */
  readonly path: string
  /** The tool, if the request is for its API at the root. */
  readonly like?: Like
  /** Whether the client has written `/sealpost` before the path. */
  readonly isBelowOwn: boolean
}

/** Where everything of the lab is on a virtual server that takes the place of a tool. */
export const OWN = '/sealpost'

/** The paths of each tool's API. The same paths exist below `/TOOL` on every virtual server. */
const paths: Readonly<Record<LikeTool, RegExp>> = {
  mailpit: /^\/(?:api\/v1(?:\/.*)?|api\/events|view\/[^/]+\.(?:html|txt)|livez|readyz)$/,
  mailhog: /^\/api\/v[12](?:\/.*)?$/,
  maildev: /^\/(?:(?:api\/)?(?:email(?:\/.*)?|config|healthz|reloadMailsFromDirectory)|socket\.io(?:\/.*)?)$/,
  smtp4dev: /^\/(?:api(?:\/.*)?|hubs(?:\/.*)?)$/,
  greenmail: /^\/(?:api(?:\/.*)?)$/,
}

/** Returns the tool to whose API a path of the application belongs. */
export function toolOf(path: string): LikeTool | undefined {
  const [, name = ''] = /^(?:\/t\/[^/]+)?\/([a-z0-9]+)\//.exec(path) ?? []
  return Object.hasOwn(paths, name) ? (name as LikeTool) : undefined
}

/** Pages of each tool, and the pages of the console that show the same. */
const pages: Partial<Readonly<Record<LikeTool, readonly (readonly [page: RegExp, own: string])[]>>> = {
  mailpit: [
    [/^\/(?:view\/latest|search)$/, '/mail'],
    [/^\/view\/([^/]+)$/, '/mail/$1'],
  ],
}

/** Returns where the application has a path of a virtual server with the setting `like`. */
export function likePlace(path: string, setting: LikeConfig | undefined): Place {
  const like = likeOf(setting)
  if (!like) return { path, isBelowOwn: false }
  const inside = like.path === undefined ? path : (pathBelow(path, like.path) ?? path)
  const own = pathBelow(inside, OWN)
  if (own !== undefined) return { path: own, isBelowOwn: true }
  // Clients write a base URL with a slash at the end and a path with one at the start. Most tools take both for one.
  const single = inside.replaceAll(/\/{2,}/g, '/')
  if (paths[like.tool].test(single)) return { path: `/${like.tool}${single}`, like, isBelowOwn: false }
  return { path: inside, isBelowOwn: false }
}

const hostOf = (origin: string): string => (URL.canParse(origin) ? new URL(origin).host : '')

/** Returns whether a page of an origin may use the API of a tool. RFC 6454. */
export const allowsPage = ({ cors = [] }: Like, origin: string): boolean =>
  cors.some((one) => one === '*' || one.toLowerCase() === hostOf(origin))

/** The header fields of an answer to such a page. https://fetch.spec.whatwg.org/#http-cors-protocol */
export const pageFields = (origin: string): Readonly<Record<string, string>> => ({
  'Access-Control-Allow-Origin': origin,
  'Access-Control-Allow-Methods': 'GET, POST, PUT, PATCH, DELETE',
  // The asterisk does not stand for Authorization.
  'Access-Control-Allow-Headers': '*, Authorization',
  'Cross-Origin-Resource-Policy': 'cross-origin',
  Vary: 'Origin',
})

/**
 * Returns where a page of the console is, relative to the page that a client has asked for; undefined if it is there.
 * At the root the console would ask the tool's API. Pages of tenants have their API beside them.
 */
export function toOwnPage(path: string, setting: LikeConfig): string | undefined {
  const { tool, path: base } = typeof setting === 'string' ? { tool: setting } : setting
  const { path: page, isBelowOwn } = likePlace(path, setting)
  if (isBelowOwn || page.startsWith('/t/')) return undefined
  const [from, to = ''] = pages[tool]?.find(([one]) => one.test(page)) ?? []
  const up = path === base ? `.${path.slice(path.lastIndexOf('/'))}/` : '../'.repeat(page.split('/').length - 2)
  return `${up}${OWN.slice(1)}${encodePath(from ? page.replace(from, to) : page)}`
}

/** Returns a path with what a URL cannot have in it as percent-encoded octets. RFC 3986 section 2.1. */
const encodePath = (path: string): string => path.replaceAll(/[^!-~]+/gu, encodeURIComponent)

/** Returns the rest of a path below another; undefined if it is not below it. */
function pathBelow(path: string, base: string): string | undefined {
  if (path === base) return '/'
  return path.startsWith(`${base}/`) ? path.slice(base.length) : undefined
}

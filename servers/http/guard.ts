import { isIP } from 'node:net'
import { ApiProblem } from '../../src/api/problem.ts'
import type { Connection } from '../../src/net/connection.ts'
import { TLS_REPORT_GZIP, TLS_REPORT_JSON } from '../../src/transport/tls-reports/types.ts'
import type { ServerContext } from '../service.ts'

/** The parts of a request that decide whether it may be answered at all. */
interface RequestFacts {
  readonly method: string
  readonly host: string | undefined
  readonly origin: string | undefined
  /** Sec-Fetch-Site, Sec-Fetch-Mode and Sec-Fetch-Dest, which browsers send. https://www.w3.org/TR/fetch-metadata/ */
  readonly site: string | undefined
  readonly mode: string | undefined
  readonly destination: string | undefined
  readonly hasToken: boolean
  readonly isWebSocket: boolean
  /** Media type in lower case, without parameters. */
  readonly contentType: string | undefined
  readonly hasBody: boolean
  /** Whether the path takes the forms of pages: those of the lab, and requests of OAuth 2.0. */
  readonly takesForms: boolean
  /** Whether the path is that of a tool's API, whose clients send JSON without its type. */
  readonly takesUntyped: boolean
  /** Whether pages of other sites may use the path by credentials that they know: those of JMAP. */
  readonly takesForeign: boolean
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])
/** Types that no form of a page can send. */
const BODY_TYPES = new Set([
  'application/json',
  'text/xml',
  'application/xml',
  'application/merge-patch+json',
  'application/octet-stream',
  'application/mbox',
  'message/rfc822',
  TLS_REPORT_JSON,
  TLS_REPORT_GZIP,
  'application/pkcs10',
  'application/pkix-cert',
  'application/x-pem-file',
  'application/x-pkcs12',
  'application/x-pkcs7-certificates',
])

const FORM = 'application/x-www-form-urlencoded'
/**
 * Types that clients of tools send: curl and `fetch` name JSON as a form and as text, clients of smtp4dev send HTML, with
 * files as a form.
 */
const UNTYPED: ReadonlySet<string | undefined> = new Set([
  undefined,
  FORM,
  'text/plain',
  'text/html',
  'multipart/form-data',
])

/** Refuses what a page of another site could make a browser send. @throws ApiProblem */
export function checkRequest(facts: RequestFacts, { secure }: Connection['channel'], context: ServerContext): void {
  checkHost(facts.host, context)
  if (context.config.requireSecureChannel && !secure) {
    // As IIS answered on a clear-text port: 403.4.
    throw new ApiProblem('secure-channel-required', 'use https and the TLS port of this virtual server')
  }
  checkSite(facts)
  // A page of any site can open a WebSocket and read from it. RFC 6455 section 10.2
  if (SAFE_METHODS.has(facts.method) && !facts.isWebSocket) return
  if (!facts.takesForeign || facts.isWebSocket) checkOrigin(facts, secure)
  if (!facts.hasBody || (facts.contentType !== undefined && BODY_TYPES.has(facts.contentType))) return
  // A browser sends Origin with every POST, and it is that of the lab. https://fetch.spec.whatwg.org/#origin-header
  if (facts.takesUntyped && UNTYPED.has(facts.contentType)) return
  if (facts.takesForms && facts.contentType === FORM) return
  const sent = facts.contentType ?? 'no content type'
  throw new ApiProblem('unsupported-type', `the request has ${sent}; send ${[...BODY_TYPES].join(', ')}`)
}

/** A page can point its own name at this address (DNS rebinding), but it cannot change the name that the browser sends. @throws ApiProblem `unknown-host` */
export function checkHost(host: string | undefined, { config, labNames }: ServerContext): void {
  const name = hostName(host ?? '')
  if (name === '' || isIP(name) !== 0 || isPrivateName(name)) return
  const known = [...labNames, ...config.hosts].map((one) => one.toLowerCase())
  if (known.includes(name)) return
  throw new ApiProblem('unknown-host', `${name} is not a name of this lab; add it to \`hosts\` of the virtual server`)
}

/**
 * Domains that nobody can register: RFC 6761 sections 6.2 and 6.3, ICANN's domain for private use, and that of the services
 * of Kubernetes.
 */
const PRIVATE_DOMAINS = ['localhost', 'test', 'internal', 'svc.cluster.local']

/** Returns whether a stranger cannot point a name at this address. Names without a dot are those of containers and of the network. */
const isPrivateName = (name: string): boolean =>
  !name.includes('.') || PRIVATE_DOMAINS.some((domain) => name.endsWith(`.${domain}`))

/** Returns the name in a Host field, in lower case and without the port. RFC 9110 section 7.2. */
const hostName = (host: string): string =>
  host
    .toLowerCase()
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')

/** Returns whether the browser says that a page of another site has caused a request. @param site Sec-Fetch-Site */
export const isForeign = (site: string | undefined): boolean =>
  site !== undefined && site !== 'same-origin' && site !== 'none'

/**
 * A page of another site cannot read an answer, but it could learn from images, sizes and times, and keep streams open.
 * Links from other sites work, also into a new window, but not into a frame.
 */
function checkSite({ site, mode, destination, method, hasToken, takesForeign }: RequestFacts): void {
  if (hasToken || !isForeign(site)) return
  // The page can neither read the answer (CORS without credentials) nor show it as an image.
  if (takesForeign && mode === 'cors') return
  const isLink = mode === 'navigate' && (destination ?? 'document') === 'document' && method === 'GET'
  if (isLink) return
  throw new ApiProblem('foreign-origin', 'a page of another site may not use this lab; send a token')
}

/** A browser names the page that sends a request. It never sends a token by itself, so a caller with a token needs no check. RFC 6454 section 7. */
function checkOrigin({ origin, host, hasToken, site }: RequestFacts, isSecure: boolean): void {
  if (origin === undefined || hasToken) return
  // The browser itself has compared them. Behind a proxy that ends TLS, the scheme and the host differ from those here.
  if (site === 'same-origin') return
  const scheme = isSecure ? 'https' : 'http'
  if (origin.toLowerCase() === `${scheme}://${(host ?? '').toLowerCase()}`) return
  throw new ApiProblem(
    'foreign-origin',
    `a page of ${origin} may not change this lab; send a token, or call it from the page of the lab`,
  )
}

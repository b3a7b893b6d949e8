import type { IncomingHttpHeaders } from 'node:http'
import type { Context } from 'hono'
import type { OAuth2 } from '../../../src/accounts/oauth2/oauth2.ts'
import { ApiProblem } from '../../../src/api/problem.ts'
import { bodyOf, hasBody } from '../body.ts'
import type { Env } from '../env.ts'
import type { BridgedRequest } from './bridge.ts'
import { PATHS } from './paths.ts'
import { wrapToken } from './tokens.ts'

/** The longest request: its target, and its body. Parts of both are stored. */
const MAX_OCTETS = 8 * 1024

const FORM = 'application/x-www-form-urlencoded'

/** Fields in which proxies name the client. `originOf` has read those of proxies that are listed. */
const FORWARDING = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-port']

/**
 * Cookies of the account that this browser used last. A log-on does not see them: each one asks for the name and the
 * password again, so that a test can use another account.
 */
const SESSION_COOKIES = /(?<=^|;)\s*oauth2-[\w-]+-session(?:\.sig)?=[^;]*(?:;|$)/g
const LOG_ON_PATHS: readonly string[] = [PATHS.authorization, PATHS.code_verification]

/** Returns a request as the authorization server shall see it. @throws ApiProblem `too-large`, `bad-request` */
export async function bridgedRequest(c: Context<Env>, oauth2: OAuth2): Promise<BridgedRequest> {
  const { method, path } = c.req
  const { host, channel } = c.get('origin')
  const url = new URL(c.req.url)
  if (url.href.length > MAX_OCTETS) throw new ApiProblem('too-large', `the URL is longer than ${MAX_OCTETS} octets`)
  const headers: IncomingHttpHeaders = { ...c.env.incoming.headers, host: host ?? new URL(oauth2.settings.issuer).host }
  for (const name of FORWARDING) delete headers[name]
  const isGet = method === 'GET' || method === 'HEAD'
  const isLogOn = LOG_ON_PATHS.some((one) => path === one || path.startsWith(`${one}/`))
  if (isGet && isLogOn && headers.cookie) headers.cookie = headers.cookie.replaceAll(SESSION_COOKIES, '')
  const userCode = isGet && path === PATHS.code_verification ? url.searchParams.get('user_code') : null
  // Otherwise a page with a script would send the code on immediately, and the person could not compare it.
  if (userCode !== null) url.searchParams.delete('user_code')
  if (path === PATHS.authorization && !url.searchParams.has('request_uri')) addScope(url.searchParams, oauth2)
  let body = hasBody(c) ? await bodyOf(c, MAX_OCTETS) : undefined
  if (body && headers['content-type']?.toLowerCase().startsWith(FORM)) {
    body = Buffer.from(rewriteForm(path, new URLSearchParams(body.toString('utf8')), oauth2).toString())
    headers['content-length'] = `${body.length}`
  }
  if (body && path === PATHS.registration) {
    body = asPublicClient(body)
    headers['content-length'] = `${body.length}`
  }
  return {
    method,
    target: url.pathname + url.search,
    headers,
    body,
    isSecure: channel.secure,
    connection: c.get('connection'),
    userCode: userCode ?? undefined,
  }
}

/**
 * Returns a registration of a public client. The server may replace what a client asks for (RFC 7591 section 2): those that
 * register themselves have no secret, and act for people only (draft-ietf-mailmaint-oauth-public-02).
 */
function asPublicClient(body: Buffer): Buffer {
  let wanted: unknown
  try {
    wanted = JSON.parse(body.toString('utf8'))
  } catch {
    // The package answers what is wrong with it.
    return body
  }
  const replaced = {
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    application_type: 'native',
  }
  return Buffer.from(
    JSON.stringify(wanted !== null && typeof wanted === 'object' ? { ...wanted, ...replaced } : wanted),
  )
}

/** Returns a form as the package needs it. */
function rewriteForm(path: string, form: URLSearchParams, oauth2: OAuth2): URLSearchParams {
  const isScoped = path === PATHS.device_authorization || path === PATHS.pushed_authorization_request
  if (isScoped || form.get('grant_type') === 'client_credentials') addScope(form, oauth2)
  const token = form.get('token')
  const takesTokens = path === PATHS.introspection || path === PATHS.revocation
  if (takesTokens && token !== null && form.getAll('token').length === 1) form.set('token', wrapToken(token))
  return form
}

/** A client that asks for no scope gets those of all protocols. RFC 6749 section 3.3. */
function addScope(parameters: URLSearchParams, { allScopes }: OAuth2): void {
  if (!parameters.get('scope')) parameters.set('scope', allScopes.join(' '))
}

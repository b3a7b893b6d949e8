import type { Provider } from 'oidc-provider'
import { type BridgedRequest, exchangeFor } from './bridge.ts'
import { pageHeaders } from './page.ts'
import { errorPage } from './pages.ts'
import { PATHS } from './paths.ts'

const ENDED =
  'This log-on has ended or expired, or the browser keeps no cookies. Start again in the program that sent you here.'

/** Returns the page of a log-on that has ended. */
export const endedPage = (): Response =>
  new Response(errorPage(ENDED, undefined), { status: 400, headers: pageHeaders() })

/**
 * Answers the request of a browser for a log-on that has ended, or that belongs to another browser; undefined for other
 * requests. Without this, oidc-provider would show an error page of its own.
 */
export async function staleAnswer(provider: Provider, request: BridgedRequest): Promise<Response | undefined> {
  const { pathname } = new URL(request.target, provider.issuer)
  if (pathname === PATHS.code_verification) {
    if (request.method !== 'POST' || (await provider.Session.find(cookieOf(provider, 'session', request))))
      return undefined
    // The form is too old. The browser gets a new one.
    return new Response(null, { status: 303, headers: { Location: PATHS.code_verification } })
  }
  const base = [PATHS.authorization, PATHS.code_verification].find((path) => pathname.startsWith(`${path}/`))
  if (base === undefined) return undefined
  const uid = pathname.slice(base.length + 1)
  const isOwn = cookieOf(provider, 'resume', request) === uid && (await provider.Interaction.find(uid)) !== undefined
  return isOwn ? undefined : endedPage()
}

/** Returns the value of a cookie; undefined if it is missing or its signature is wrong. */
function cookieOf(provider: Provider, type: string, request: BridgedRequest): string | undefined {
  const { incoming, outgoing } = exchangeFor({ ...request, body: undefined })
  const { cookies } = provider.createContext(incoming, outgoing)
  return cookies.get(provider.cookieName(type), { signed: true })
}

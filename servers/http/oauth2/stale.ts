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
 * Answers what a browser sends for a log-on that has ended, or that is not its own; undefined for everything else.
 * oidc-provider would fail in its own way of showing the error.
 */
export async function staleAnswer(provider: Provider, request: BridgedRequest): Promise<Response | undefined> {
  const { pathname } = new URL(request.target, provider.issuer)
  if (pathname === PATHS.code_verification) {
    if (request.method !== 'POST' || (await provider.Session.find(cookieOf(provider, 'session', request))))
      return undefined
    // Its form is too old: the person gets a new one.
    return new Response(null, { status: 303, headers: { Location: PATHS.code_verification } })
  }
  const base = [PATHS.authorization, PATHS.code_verification].find((path) => pathname.startsWith(`${path}/`))
  if (base === undefined) return undefined
  const uid = pathname.slice(base.length + 1)
  const isOwn = cookieOf(provider, 'resume', request) === uid && (await provider.Interaction.find(uid)) !== undefined
  return isOwn ? undefined : endedPage()
}

/** Returns the value of a cookie whose signature is right. */
function cookieOf(provider: Provider, type: string, request: BridgedRequest): string | undefined {
  const { incoming, outgoing } = exchangeFor({ ...request, body: undefined })
  const { cookies } = provider.createContext(incoming, outgoing)
  return cookies.get(provider.cookieName(type), { signed: true })
}

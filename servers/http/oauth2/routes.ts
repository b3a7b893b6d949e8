import type { Context, Hono } from 'hono'
import type { Provider } from 'oidc-provider'
import type { Api } from '../../../src/api/api.ts'
import { ApiProblem } from '../../../src/api/problem.ts'
import { delay } from '../../../src/core/time/real-timers.ts'
import type { ServerContext } from '../../service.ts'
import type { Env } from '../env.ts'
import { type BridgedRequest, bridge } from './bridge.ts'
import { answerLogOn } from './log-on.ts'
import { isOAuth2, methodsOf, PATHS } from './paths.ts'
import { createProvider } from './provider.ts'
import { bridgedRequest } from './requests.ts'
import { staleAnswer } from './stale.ts'
import { stateOf } from './state.ts'
import { thunderbirdAddOn } from './thunderbird.ts'

interface AuthorizationServer {
  readonly provider: Provider
  readonly handle: (request: BridgedRequest) => Promise<Response>
}

/** Adds the authorization server of the lab. It is created at the first request: the package takes a while to load. */
export function oauth2Routes(app: Hono<Env>, api: Api, context: ServerContext): void {
  let creating: { readonly by: ServerContext; readonly server: Promise<AuthorizationServer> } | undefined
  const serverFor = (latest: ServerContext): Promise<AuthorizationServer> => {
    // A reload may have changed the clients.
    if (creating?.by !== latest) creating = { by: latest, server: createServer(api, latest) }
    const { server } = creating
    return server.catch((error) => {
      creating = undefined
      throw error
    })
  }
  app.use(async (c, next) => {
    const { path } = c.req
    if (!isOAuth2(path)) return next()
    const options = optionsAnswer(c)
    if (options) return options
    const latest = context.latest()
    if (path === PATHS.registration && !latest.oauth2.settings.mailClients) {
      throw new ApiProblem('not-found', 'clients cannot register here; set oauth2.mailClients')
    }
    const { provider, handle } = await serverFor(latest)
    if (path === PATHS.thunderbird) return thunderbirdAddOn(latest)
    const request = await bridgedRequest(c, latest.oauth2)
    if (path.startsWith(`${PATHS.logOn}/`)) return answerLogOn(provider, request, c.get('origin').channel, latest)
    const answer = (await staleAnswer(provider, request)) ?? (await handle(request))
    // A wrong client secret, or a token that is not valid.
    if (answer.status === 401) await delay(c.get('connection').logon.countFailure())
    return answer
  })
}

async function createServer(api: Api, context: ServerContext): Promise<AuthorizationServer> {
  const provider = await createProvider(context, await stateOf(api))
  return { provider, handle: bridge(provider) }
}

/**
 * Answers OPTIONS; undefined for a method that the path has. RFC 9110 sections 9.3.7 and 15.5.6.
 * @throws ApiProblem `not-found`, `method-not-allowed`
 */
function optionsAnswer({ req: { method, path } }: Context<Env>): Response | undefined {
  const methods = methodsOf(path)
  if (!methods) {
    throw new ApiProblem('not-found', `there is no ${path}; /.well-known/openid-configuration lists what there is`)
  }
  if (methods.includes(method)) return undefined
  const allow = [...methods, 'OPTIONS'].join(', ')
  if (method === 'OPTIONS') return new Response(null, { status: 204, headers: { Allow: allow } })
  throw new ApiProblem('method-not-allowed', `${path} has no ${method}; it has ${allow}`, {}, { Allow: allow })
}

import type { Interaction, Provider } from 'oidc-provider'
import { refusalTexts, stateRefusal } from '../../../src/accounts/directory/logon-refusal.ts'
import { logonPolicy } from '../../../src/accounts/directory/policy.ts'
import type { Proof } from '../../../src/accounts/directory/types.ts'
import { claimText } from '../../../src/accounts/oauth2/claims.ts'
import { delay } from '../../../src/core/time/real-timers.ts'
import type { Connection } from '../../../src/net/connection.ts'
import type { ServerContext } from '../../service.ts'
import { type BridgedRequest, exchangeFor } from './bridge.ts'
import { pageHeaders } from './page.ts'
import { logOnPage } from './pages.ts'
import { PATHS } from './paths.ts'
import { sentence } from './refusals.ts'
import { endedPage } from './stale.ts'

const DENIED = { error: 'access_denied', error_description: 'the person has denied access' }

/** Answers the page on which a person logs on for a client, and its form. */
export async function answerLogOn(
  provider: Provider,
  request: BridgedRequest,
  channel: Connection['channel'],
  context: ServerContext,
): Promise<Response> {
  const { incoming, outgoing } = exchangeFor({ ...request, body: undefined })
  const found = await provider.interactionDetails(incoming, outgoing).catch(() => undefined)
  const uid = new URL(request.target, provider.issuer).pathname.slice(PATHS.logOn.length + 1)
  if (found?.uid !== uid) return endedPage()
  const { logon } = logonPolicy(context.config, context.directory, channel)
  const show = (user: string, failure?: string): Response => {
    const { params } = found
    const client = params.client_id ?? ''
    const scopes = shownScopes(params.scope)
    const text = logOnPage({ client, scopes, user, failure, takesPasswords: logon === 'yes' })
    return new Response(text, { status: failure ? 403 : 200, headers: pageHeaders(formTargets(found)) })
  }
  const finish = async (result: object): Promise<Response> => {
    const location = await provider.interactionResult(incoming, outgoing, result)
    return new Response(null, { status: 303, headers: { Location: location } })
  }
  if (request.method !== 'POST') return show(found.params.login_hint ?? '', WHY_NO_PASSWORDS[logon])
  const form = new URLSearchParams(request.body?.toString('utf8'))
  const { connection } = request
  if (form.get('action') === 'deny') return finish(DENIED)
  if (logon !== 'yes') return show('', WHY_NO_PASSWORDS[logon])
  const user = form.get('user') ?? ''
  const proof = await context.directory.checkPassword(user, form.get('password') ?? '', () => connection.isClosed)
  const failure = failureOf(proof)
  if (!proof || failure !== undefined) {
    const text = `log-on for the client ${claimText(found.params.client_id)} failed: ${failure}`
    connection.record.refused(text)
    context.log.info({ session: connection.record.id }, `oauth2: ${text}`)
    await delay(connection.logon.countFailure())
    return show(user, sentence(failure ?? ''))
  }
  // The person has logged on for the client, not on this connection.
  const { account } = await context.directory.add(proof.account)
  connection.logon.succeeded()
  connection.record.note(`${account.user} has logged on for the client ${claimText(found.params.client_id)}`)
  const accountId = account.user
  // The log-on on this page is the consent, the answer to the prompt, and the choice of the account.
  return finish({ login: { accountId }, consent: {}, select_account: {} })
}

/** Returns why a person may not log on. App passwords are for mail programs, not for this page. */
function failureOf(proof: Proof | undefined): string | undefined {
  if (!proof || proof.secret?.name !== undefined) return 'unknown user name or bad password'
  const refusal = stateRefusal(proof)
  return refusal && refusalTexts[refusal]
}

const WHY_NO_PASSWORDS: Readonly<Record<'yes' | 'needs-tls' | 'no', string | undefined>> = {
  yes: undefined,
  'needs-tls': 'This lab accepts passwords only over TLS. Use the https address of the lab.',
  no: 'This virtual server accepts no passwords (authentication).',
}

const shownScopes = (scope: string | undefined): string[] =>
  (scope ?? '').split(' ').filter((one) => one !== '' && one !== 'openid' && one !== 'offline_access')

/** Returns where the answer to the form can redirect to, as sources of a Content-Security-Policy. */
function formTargets({ params }: Interaction): string[] {
  const uri = params.redirect_uri
  if (uri === undefined || !URL.canParse(uri)) return []
  const { protocol, origin, hostname } = new URL(uri)
  // A source has no IPv6 address. https://www.w3.org/TR/CSP3/#grammardef-host-part
  return [/^https?:$/.test(protocol) && !hostname.startsWith('[') ? origin : protocol]
}

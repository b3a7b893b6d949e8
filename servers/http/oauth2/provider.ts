import type { KoaContext, Provider, ProviderError } from 'oidc-provider'
import { stateRefusal } from '../../../src/accounts/directory/logon-refusal.ts'
import type { ServerContext } from '../../service.ts'
import { requestOf } from './bridge.ts'
import { accountOf, clientsOf, matchRedirections, metadataOf } from './clients.ts'
import { loadPackage, type OidcPackage } from './package.ts'
import { pageHeaders } from './page.ts'
import { deviceCodePage, deviceConfirmPage, deviceDonePage, errorPage } from './pages.ts'
import { PATHS } from './paths.ts'
import { reasonOf, recordRefusals, sentence } from './refusals.ts'
import type { ServerState } from './state.ts'
import { issueLabTokens, tokenAdapter } from './tokens.ts'

const MINUTE = 60
const DAY = 24 * 60 * MINUTE

/** The scopes of OpenID Connect, with the claims that each gives. OpenID Connect Core 1.0 section 5.4. */
const CLAIMS = { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] }

/** Creates the authorization server of a virtual server. @throws ApiProblem `not-offered`; PkiError `store` */
export async function createProvider(context: ServerContext, { storage, cookieKey }: ServerState): Promise<Provider> {
  const { oauth2 } = context
  const oidc = await loadPackage()
  const { settings } = oauth2
  const clients = clientsOf(settings.clients)
  const refreshSeconds = Math.ceil(settings.refreshTokenLifetime / 1000)
  const accessSeconds = Math.ceil(settings.accessTokenLifetime / 1000)
  // Browsers share cookies between the ports of a host.
  const cookie = (name: string): string => `oauth2-${new URL(settings.issuer).port || 'default'}-${name}`
  const provider = new oidc.Provider(settings.issuer, {
    adapter: (kind: string) =>
      kind === 'AccessToken' || kind === 'ClientCredentials'
        ? tokenAdapter(kind, storage, oauth2)
        : storage.adapter(kind),
    clients: clients.map(metadataOf),
    jwks: { keys: await oauth2.keys.all() },
    routes: PATHS,
    scopes: ['openid', 'offline_access', ...oauth2.allScopes],
    claims: CLAIMS,
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
    // RFC 9700 section 2.1.1
    pkce: { required: (_: KoaContext, { tokenEndpointAuthMethod }: Client) => tokenEndpointAuthMethod === 'none' },
    responseTypes: ['code'],
    cookies: {
      keys: [cookieKey],
      names: { session: cookie('session'), interaction: cookie('interaction'), resume: cookie('resume') },
    },
    // The guard of the virtual server has refused pages of other sites.
    clientBasedCORS: () => true,
    findAccount: (_: KoaContext, user: string) => findAccount(context, user),
    loadExistingGrant: (ctx: KoaContext) => grantAll(ctx, provider),
    // For introspection. RFC 7662 section 2.2
    extraTokenClaims: (_: KoaContext, { kind, clientId }: { readonly kind: string; readonly clientId: string }) =>
      kind === 'ClientCredentials' ? { sub: accountOf(settings.clients, clientId) ?? clientId } : undefined,
    issueRefreshToken: (_: KoaContext, client: Client) => client.grantTypeAllowed('refresh_token'),
    // RFC 9700 section 4.14.2. Programs with a secret, such as those that use nodemailer, keep their first one.
    rotateRefreshToken: ({ oidc: { client } }: KoaContext) => client?.tokenEndpointAuthMethod === 'none',
    expiresWithSession: () => false,
    interactions: {
      url: (_: KoaContext, { uid }: { readonly uid: string }) => `${PATHS.logOn}/${uid}`,
      policy: policyOf(oidc),
    },
    renderError: (ctx: KoaContext, { error }: { readonly error?: string }, cause: ProviderError) =>
      show(ctx, errorPage(sentence(reasonOf(cause)), error)),
    features: {
      devInteractions: { enabled: false },
      // The lab's tokens are not bound to a key.
      dPoP: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      // RFC 7591
      registration: { enabled: settings.mailClients, initialAccessToken: false, issueRegistrationAccessToken: false },
      clientCredentials: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
      introspection: {
        enabled: true,
        allowedPolicy: (_: KoaContext, client: Client, token: { readonly clientId: string }) =>
          client.tokenEndpointAuthMethod !== 'none' || token.clientId === client.clientId,
      },
      // RFC 7009 section 2.1
      revocation: {
        enabled: true,
        allowedPolicy: (_: KoaContext, client: Client, token: { readonly clientId: string }) =>
          token.clientId === client.clientId,
      },
      deviceFlow: {
        enabled: true,
        userCodeInputSource: (ctx: KoaContext, _: string, __?: object, error?: ProviderError) =>
          show(ctx, deviceCodePage(deviceForm(ctx, requestOf(ctx).userCode ?? ''), error && deviceFailure(error))),
        userCodeConfirmSource: (ctx: KoaContext, _: string, client: Client, __: object, userCode: string) =>
          show(ctx, deviceConfirmPage(deviceForm(ctx, userCode), client.clientId)),
        successSource: (ctx: KoaContext) => show(ctx, deviceDonePage(ctx.oidc.client?.clientId ?? 'The device')),
      },
    },
    ttl: {
      AccessToken: accessSeconds,
      ClientCredentials: accessSeconds,
      AuthorizationCode: MINUTE,
      DeviceCode: 10 * MINUTE,
      Interaction: 10 * MINUTE,
      Session: 30 * MINUTE,
      IdToken: 60 * MINUTE,
      RefreshToken: refreshSeconds,
      Grant: Math.max(refreshSeconds, accessSeconds, DAY),
    },
  })
  matchRedirections(provider, clients)
  issueLabTokens(provider, oauth2, (id) => accountOf(settings.clients, id))
  recordRefusals(provider, context)
  return provider
}

interface Client {
  readonly clientId: string
  readonly tokenEndpointAuthMethod: string
  grantTypeAllowed(type: string): boolean
}

/** A person who logs on has agreed. The page asks again if the client demands it. OpenID Connect Core 1.0 section 3.1.2.1. */
function policyOf({ interactionPolicy: { base, Prompt } }: OidcPackage): object {
  const policy = base()
  policy.add(new Prompt({ name: 'select_account', requestable: true }), 0)
  policy.get('consent').checks.remove('native_client_prompt')
  return policy
}

async function findAccount({ latest }: ServerContext, user: string): Promise<object | undefined> {
  const account = latest().directory.find(user)
  if (!account || stateRefusal({ account }) !== undefined) return undefined
  const { user: accountId, addresses } = account
  const email = addresses[0]
  const claims = { sub: accountId, name: accountId, preferred_username: accountId }
  return { accountId, claims: () => (email === undefined ? claims : { ...claims, email, email_verified: true }) }
}

/** Returns a new grant of everything that a client has asked for. */
async function grantAll({ oidc }: KoaContext, { Grant }: Provider): Promise<object | undefined> {
  const { client, session, requestParamOIDCScopes } = oidc
  if (!client || session?.accountId === undefined) return undefined
  const grant = new Grant({ clientId: client.clientId, accountId: session.accountId })
  const scopes = [...requestParamOIDCScopes]
  if (scopes.length > 0) grant.addOIDCScope(scopes.join(' '))
  await grant.save()
  return grant
}

const deviceForm = ({ oidc }: KoaContext, userCode: string) => ({
  action: PATHS.code_verification,
  secret: oidc.session?.state?.secret ?? '',
  userCode,
})

/** The reports of oidc-provider about the code of a device, by the name of its error. */
const DEVICE_FAILURES: Readonly<Record<string, string>> = {
  NoCodeError: 'Enter a code.',
  NotFoundError: 'No device has this code. Check it, or start again on the device.',
  ExpiredError: 'The code has expired. Start again on the device.',
  AlreadyUsedError: 'The code has been used. Start again on the device.',
  AbortedError: 'You have denied access. The device cannot log on.',
}

const deviceFailure = (error: ProviderError): string => DEVICE_FAILURES[error.name] ?? sentence(reasonOf(error))

function show(ctx: KoaContext, text: string): void {
  for (const [name, value] of Object.entries(pageHeaders())) ctx.res.setHeader(name, value)
  ctx.body = text
}

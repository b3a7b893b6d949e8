import { refusalTexts, stateRefusal } from '../../src/accounts/directory/logon-refusal.ts'
import { logonPolicy } from '../../src/accounts/directory/policy.ts'
import { isSameSecret } from '../../src/accounts/directory/secrets.ts'
import type { Proof } from '../../src/accounts/directory/types.ts'
import { type Caller, type Standing, viewKey } from '../../src/api/caller.ts'
import { ApiProblem } from '../../src/api/problem.ts'
import type { Like } from '../../src/core/config/schema/like.ts'
import { isLoopback } from '../../src/core/network/ip-address.ts'
import { delay } from '../../src/core/time/real-timers.ts'
import type { Connection } from '../../src/net/connection.ts'
import { completeLogon } from '../logon.ts'
import { isCapturedReader, type ServerContext } from '../service.ts'
import { accountOfToken, browserCredential, isStillValid } from './access-tokens.ts'
import { browserSessions, type Credential, digestOf, newSecret, verifierOf } from './browser-sessions.ts'
import { checkHost } from './guard.ts'
import { continueNtlm, keepNtlmUser, NtlmChallenge, ntlmUser } from './ntlm.ts'

/** Callers without credentials, where `authentication` has anonymous. */
const ANONYMOUS: Caller = { role: 'administrator', name: 'anonymous' }

/** Callers of the API of the tool whose place a virtual server takes. Only the routes of that API see it. */
export const TOOL_CALLER: Caller = { role: 'administrator', name: 'anonymous' }

/** @throws ApiProblem `forbidden` if only other accounts may use the API of the tool */
export function assertMayUseTool({ role, name }: Caller, { tool, users = [] }: Like): void {
  if (role === 'administrator' || users.some((user) => user.toLowerCase() === name.toLowerCase())) return
  throw new ApiProblem('forbidden', `${name} may not use the API of ${tool}; add it to \`like.users\``)
}

/** The facts of a request about its sender. */
interface CallerFacts {
  /** The Authorization field. */
  readonly authorization: string | undefined
  /** The value of the cookie of a browser that has logged on. */
  readonly cookie: string | undefined
  /** The target that the request itself names, whatever a proxy says. */
  readonly target: string | undefined
  /** Whether the client is on the machine of the lab. */
  readonly isLocal: boolean
  readonly channel: Connection['channel']
  /** Whether the client may log on by NTLM. */
  readonly offersNtlm: boolean
}

/**
 * Returns who sends a request, and records that this caller uses the connection. RFC 6750 section 2.1, RFC 7617, MS-NTHT.
 * @throws ApiProblem `log-on-required`, after the delay of a failed log-on; `unknown-host` for anonymous callers
 */
export async function callerOf(facts: CallerFacts, connection: Connection, context: ServerContext): Promise<Caller> {
  try {
    const caller = await findCaller(facts, connection, context)
    connection.record.usedBy(userOf(caller, context))
    return caller
  } catch (error) {
    // The sender of the request is not known.
    if (facts.authorization !== undefined && !(error instanceof NtlmChallenge)) connection.record.usedBy(SOMEONE)
    throw error
  }
}

/**
 * Returns the account that sends a request, which has its credentials: Basic, or an access token of the lab.
 * @throws ApiProblem as `callerOf`; `forbidden` for a token of `access.tokens` or of a tenant
 */
export async function accountCallerOf(
  facts: Omit<CallerFacts, 'cookie' | 'offersNtlm'>,
  connection: Connection,
  context: ServerContext,
): Promise<Caller> {
  const { authorization } = facts
  const all = { ...facts, cookie: undefined, offersNtlm: false }
  if (authorization === undefined)
    throw logOn(all, context, 'send the name and password of an account (Basic), or its access token (Bearer)')
  const given = /^bearer\s+(.*)$/i.exec(authorization)?.[1]?.trim()
  const isGiven = (token: string): boolean => given !== undefined && isSameSecret(token, given)
  const found = tokenCaller(isGiven, context) ?? tenantCaller(isGiven, context)
  if (!found) return callerOf(all, connection, context)
  const why = `the token ${found.name} belongs to no account; send the name and password of an account, or its access token`
  throw new ApiProblem('forbidden', why)
}

/** Callers that are neither an account nor a tenant. */
const SOMEONE = ''

/** Returns how a session record names a caller (`usedBy`). */
function userOf({ role, name, tenant }: Caller, { administrators }: ServerContext): string {
  if (role === 'tenant' && tenant) return `${tenant.name}-`
  const isAccount = role === 'account' || administrators.some((one) => one.toLowerCase() === name.toLowerCase())
  return isAccount ? name : SOMEONE
}

async function findCaller(facts: CallerFacts, connection: Connection, context: ServerContext): Promise<Caller> {
  const { authorization, cookie, target, isLocal, channel, offersNtlm } = facts
  const [, scheme = '', credentials = ''] = /^(\S+)\s+(.*)$/.exec(authorization ?? '') ?? []
  if (scheme.toLowerCase() === 'bearer') {
    const given = credentials.trim()
    const isGiven = (token: string): boolean => isSameSecret(token, given)
    const caller = tokenCaller(isGiven, context) ?? tenantCaller(isGiven, context)
    return caller ?? accessTokenCaller(given, facts, connection, context)
  }
  if (scheme.toLowerCase() === 'basic') return basicCaller(credentials, facts, connection, context)
  if (offersNtlm && /^(?:ntlm|negotiate)$/i.test(scheme))
    return ntlmCaller(scheme, credentials, facts, connection, context)
  if (authorization !== undefined)
    throw logOn(facts, context, `only ${offersNtlm ? 'Bearer, Basic and NTLM' : 'Bearer and Basic'} are supported`)
  const known = cookie === undefined ? undefined : await browserSessions(await context.idleApi()).find(cookie)
  const browser = known && credentialCaller(known, cookie as string, context)
  if (browser) return browser
  const byNtlm = offersNtlm ? ntlmUser(connection) : undefined
  if (byNtlm !== undefined && context.directory.find(byNtlm)) return accountCaller(byNtlm, context)
  const { externalIdentity } = channel
  if (externalIdentity !== undefined) {
    connection.record.user(externalIdentity)
    return accountCaller(externalIdentity, context)
  }
  // Behind a proxy that listens for others, the client counts.
  const takesAnonymous = context.config.authentication.includes('anonymous') && isLoopback(context.config.address)
  if (takesAnonymous && isLocal) {
    // A page that points its own name at this machine can send X-Forwarded-Host, but not another Host.
    checkHost(target, context)
    return ANONYMOUS
  }
  throw logOn(facts, context, 'send a token (Authorization: Bearer TOKEN), or the name and password of an account')
}

/**
 * Returns who has logged on with a credential; undefined if it is no longer valid.
 * @param secret the one that its verifier was made with
 * @throws ApiProblem `forbidden` if the account is locked or disabled
 */
function credentialCaller(credential: Credential, secret: string, context: ServerContext): Caller | undefined {
  if (credential.kind === 'access-token' && !isStillValid(credential, context)) return undefined
  if (credential.kind !== 'token') {
    const account = context.directory.find(credential.user)
    if (!account || (credential.kind === 'account' && credential.verifier !== verifierOf(account, secret)))
      return undefined
    return accountCaller(credential.user, context)
  }
  const isMeant = (token: string): boolean => digestOf(token) === credential.digest
  return tokenCaller(isMeant, context) ?? tenantCaller(isMeant, context)
}

function tokenCaller(isMeant: (token: string) => boolean, { tokens, tenants }: ServerContext): Caller | undefined {
  const found = tokens.filter(({ token }) => token !== undefined && isMeant(token))[0]
  if (!found) return undefined
  const { name, role } = found
  return role === 'tenant' ? { role, name, tenant: tenants.scope(name) } : { role, name }
}

/** Returns the tenant that was created over the API with this token. */
function tenantCaller(isMeant: (token: string) => boolean, { tenants }: ServerContext): Caller | undefined {
  const found = [...tenants.created.values()].filter(({ token }) => isMeant(token))[0]
  return found && { role: 'tenant', name: found.name, tenant: tenants.scope(found.name) }
}

/** Returns the account of an access token. RFC 6750 section 2.1. */
async function accessTokenCaller(
  token: string,
  facts: CallerFacts,
  connection: Connection,
  context: ServerContext,
): Promise<Caller> {
  const found = await accountOfToken(token, context)
  if (!found) return refuse(facts, connection, context, 'the token is not one of this lab', INVALID_TOKEN)
  if ('user' in found) {
    assertMayCall({ account: found })
    return accountCaller((await completeLogon({ connection, context }, found)).user, context)
  }
  const { why, parameters, isForbidden } = found
  if (!isForbidden) return refuse(facts, connection, context, why, parameters)
  throw new ApiProblem('forbidden', why, {}, { 'WWW-Authenticate': `Bearer realm="Sealpost"${parameters}` })
}

/**
 * Returns what a request has logged on with: a token or an account. Undefined without an Authorization field.
 * @param secret what the verifier of an account is made with
 */
export async function credentialIn(
  authorization: string | undefined,
  { name }: Caller,
  secret: string,
  context: ServerContext,
): Promise<Credential | undefined> {
  const [, scheme = '', credentials = ''] = /^(\S+)\s+(.*)$/.exec(authorization ?? '') ?? []
  if (scheme.toLowerCase() === 'bearer') {
    const token = credentials.trim()
    return (await browserCredential(token, context)) ?? { kind: 'token', digest: digestOf(token) }
  }
  return scheme === '' ? undefined : accountCredential(name, secret, context)
}

function accountCredential(user: string, secret: string, context: ServerContext): Credential | undefined {
  const account = context.latest().directory.find(user)
  return account && { kind: 'account', user, verifier: verifierOf(account, secret) }
}

/** Returns the standing of a caller, for what goes on after its request was checked. */
export async function standingOf(caller: Caller, facts: CallerFacts, context: ServerContext): Promise<Standing> {
  const { authorization, cookie } = facts
  const mustLogOn = (): ApiProblem => {
    const error = /^bearer\s/i.test(authorization ?? '') ? INVALID_TOKEN : ''
    const why = `the rights of ${caller.name} changed during the request; log on again`
    return logOn(facts, context.latest(), why, error)
  }
  if (caller === ANONYMOUS)
    return () => (context.latest().config.authentication.includes('anonymous') ? undefined : mustLogOn())
  const sessions = browserSessions(await context.idleApi())
  const known = authorization === undefined && cookie !== undefined ? await sessions.find(cookie) : undefined
  const isOfBrowser = known !== undefined && credentialCaller(known, cookie as string, context) !== undefined
  const secret = isOfBrowser ? (cookie as string) : newSecret()
  const credential = isOfBrowser
    ? known
    : ((await credentialIn(authorization, caller, secret, context)) ?? accountCredential(caller.name, secret, context))
  return () => {
    if (!credential || (isOfBrowser && !sessions.has(secret))) return mustLogOn()
    try {
      const now = credentialCaller(credential, secret, context.latest())
      return now && viewKey(now) === viewKey(caller) && now.role === caller.role ? undefined : mustLogOn()
    } catch (error) {
      if (error instanceof ApiProblem) return error
      throw error
    }
  }
}

async function basicCaller(
  credentials: string,
  facts: CallerFacts,
  connection: Connection,
  context: ServerContext,
): Promise<Caller> {
  const { logon } = logonPolicy(context.config, context.directory, facts.channel)
  if (logon === 'needs-tls') {
    throw new ApiProblem('secure-channel-required', 'passwords are accepted only over TLS here; use https, or a token')
  }
  if (logon === 'no') throw logOn(facts, context, 'this virtual server does not accept passwords; use a token')
  const [, user = '', password = ''] = /^([^:]*):(.*)$/s.exec(Buffer.from(credentials, 'base64').toString('utf8')) ?? []
  const proof = await context.directory.checkPassword(user, password, () => connection.isClosed)
  if (!proof) return refuse(facts, connection, context, 'unknown user name or bad password')
  assertMayCall(proof)
  const account = await completeLogon({ connection, context }, proof.account)
  return accountCaller(account.user, context)
}

/** @throws ApiProblem `forbidden` if the state of an account forbids the log-on */
function assertMayCall(proof: Proof): void {
  const refusal = stateRefusal(proof)
  if (refusal !== undefined) throw new ApiProblem('forbidden', `${proof.account.user}: ${refusalTexts[refusal]}`)
}

async function ntlmCaller(
  scheme: string,
  credentials: string,
  facts: CallerFacts,
  connection: Connection,
  context: ServerContext,
): Promise<Caller> {
  const result = await continueNtlm({ scheme, credentials }, connection, context)
  if (result.kind === 'failure') return refuse(facts, connection, context, result.reason)
  assertMayCall(result)
  const account = await completeLogon({ connection, context }, result.account)
  keepNtlmUser(connection, account.user)
  return accountCaller(account.user, context)
}

/** @throws ApiProblem `forbidden` if the account is locked or disabled */
function accountCaller(user: string, context: ServerContext): Caller {
  const account = context.directory.find(user)
  if (account) assertMayCall({ account })
  const isAdministrator = context.administrators.some((one) => one.toLowerCase() === user.toLowerCase())
  if (isAdministrator) return { role: 'administrator', name: user }
  const tenant = context.tenants.tenantOfAccount(user)
  return {
    role: 'account',
    name: user,
    seesCaptured: isCapturedReader(context, { user }),
    ...(tenant === undefined ? {} : { tenant: context.tenants.scope(tenant) }),
  }
}

async function refuse(
  facts: CallerFacts,
  connection: Connection,
  context: ServerContext,
  why: string,
  error = '',
): Promise<never> {
  connection.record.refused(`log-on failed: ${why}`)
  await delay(connection.logon.countFailure())
  throw logOn(facts, context, why, error)
}

/** RFC 6750 section 3.1. */
const INVALID_TOKEN = ', error="invalid_token"'

/** The challenge for a page of the console. A browser would open a dialog of its own for Basic. */
export const PAGE_CHALLENGE = { 'WWW-Authenticate': 'Bearer realm="Sealpost"' }

/** RFC 9110 section 11.6.1. */
function logOn(
  { channel, offersNtlm }: Pick<CallerFacts, 'channel' | 'offersNtlm'>,
  { config, directory }: ServerContext,
  why: string,
  error = '',
): ApiProblem {
  // A browser that is offered Basic asks for the password and sends it, also in clear text.
  const takesPasswords = logonPolicy(config, directory, channel).logon === 'yes'
  const basic = takesPasswords ? ', Basic realm="Sealpost", charset="UTF-8"' : ''
  // Internet Explorer wants NTLM first.
  const ntlm = offersNtlm ? 'NTLM, ' : ''
  return new ApiProblem(
    'log-on-required',
    why,
    {},
    { 'WWW-Authenticate': `${ntlm}Bearer realm="Sealpost"${error}${basic}` },
  )
}

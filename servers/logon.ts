import { isIP } from 'node:net'
import { type LogonRefusal, logonRefusal } from '../src/accounts/directory/logon-refusal.ts'
import { type ChannelState, type LogonPolicy, logonPolicy } from '../src/accounts/directory/policy.ts'
import {
  converse,
  type SaslAnonymous,
  type SaslContext,
  type SaslEndpoint,
  type SaslSuccess,
} from '../src/accounts/directory/sasl/exchange.ts'
import { startSasl } from '../src/accounts/directory/sasl/mechanisms.ts'
import type { Account, Directory, Proof } from '../src/accounts/directory/types.ts'
import { passwordForms } from '../src/core/config/accounts/known-passwords.ts'
import type { PasswordRefusal } from '../src/core/config/schema/personality.ts'
import type { ServerProtocol } from '../src/core/config/schema.ts'
import { isLoopback } from '../src/core/network/ip-address.ts'
import { personalities } from '../src/core/personality/index.ts'
import type { Connection } from '../src/net/connection.ts'
import type { ServerContext } from './service.ts'

/** The longest SASL response line. RFC 4954 section 4, RFC 5034 section 4 and RFC 4643 section 2.4. */
export const MAX_SASL_OCTETS = 12_288

/** The part of a session that a log-on needs. */
export interface LogonSession {
  readonly connection: Connection
  readonly context: ServerContext
  /** The policy for the connection as it is now; it changes with STARTTLS. */
  readonly policy: LogonPolicy
}

/** The protocol's errors for a refused log-on. */
export interface LogonErrors {
  /** Creates the error for a log-on that would be accepted after STARTTLS. */
  needsTls(): Error
  /** Creates the error for a virtual server that accepts no passwords. */
  notOffered(): Error
  unknownMechanism(mechanism: string): Error
  /** Creates the error for a client that sent `*` instead of a response. */
  cancelled(): Error
  /** Creates the error for a SASL response that is not valid base64. */
  malformed(): Error
  /** Creates the error for a wrong user name, password or proof. Not every protocol states the reason. */
  failed(reason: string): Error
  /** Creates the error for an account that may not log on although the password or proof is right. */
  refused(why: LogonRefusal): Error
}

/** How a protocol carries a SASL exchange: on lines, or in strings, where success data is a part of the final reply. */
export type SaslDialect =
  | SaslLines
  | { readonly ask: (challenge: string) => Promise<string>; readonly acceptsAny?: false }

/** The lines of a SASL exchange. */
interface SaslLines {
  /** The word before a challenge on its line: `+`, `334` or `383`. */
  readonly challengePrefix: string
  /** Whether an empty challenge or response is written `=`, and success data has a separate reply. RFC 4643 section 2.4.2. */
  readonly equalsSign?: boolean
  /** The text of the server's first, empty challenge, where it is one for people. MS-NNTP section 2.2.1.2. */
  readonly prompt?: string
  /** Returns the response in a client's line. Default: the line. */
  readonly responseIn?: (line: string) => string
  /** Whether a client whose name or password is wrong is logged on without an account. */
  readonly acceptsAny?: boolean
}

/** The policies of each virtual server, by the facts that decide. A reload makes another context. */
const policies = new WeakMap<ServerContext, Map<number, LogonPolicy>>()

/** Returns the log-on policy of a virtual server for a connection as it is now. */
export function currentPolicy({ context, connection }: Omit<LogonSession, 'policy'>): LogonPolicy {
  const { channel } = connection
  const ofServer = policies.get(context) ?? new Map<number, LogonPolicy>()
  if (ofServer.size === 0) policies.set(context, ofServer)
  const facts = decisiveFacts(context.directory, channel)
  const known = ofServer.get(facts)
  if (known) return known
  const made = policyOf(context, channel)
  ofServer.set(facts, made)
  return made
}

/** Returns everything besides the configuration that decides about a policy, a bit for each fact. */
function decisiveFacts(directory: Directory, { secure, externalIdentity, channelBindings }: ChannelState): number {
  let facts = secure ? 1 : 0
  facts = facts * 2 + (externalIdentity === undefined ? 0 : 1)
  facts = facts * 2 + ((channelBindings?.size ?? 0) > 0 ? 1 : 0)
  for (const form of passwordForms) facts = facts * 2 + (directory.knowsPasswords(form) ? 1 : 0)
  return facts
}

/** A personality offers only the mechanisms of its server, in its order. */
function policyOf(context: ServerContext, channel: ChannelState): LogonPolicy {
  const { personality, protocol } = context.config
  const policy = logonPolicy(context.config, context.directory, channel)
  const offered = protocol === 'http' ? undefined : personalities[personality][protocol]?.mechanisms
  if (!offered) return policy
  const only = (mechanisms: readonly string[]): string[] => offered.filter((name) => mechanisms.includes(name))
  return { ...policy, mechanisms: only(policy.mechanisms), mechanismsOverTls: only(policy.mechanismsOverTls) }
}

/** The names that GSSAPI has for the protocols. RFC 2033 section 4.1, RFC 4954 section 4, RFC 5034 section 4, RFC 9051 section 6.2.2, RFC 4643 section 2.4, RFC 5804 section 2.1. */
const serviceNames: Readonly<Record<ServerProtocol, string>> = {
  smtp: 'smtp',
  pop3: 'pop',
  imap4: 'imap',
  nntp: 'nntp',
  lmtp: 'lmtp',
  managesieve: 'sieve',
  http: 'http',
}

/** Returns what a SASL mechanism may see of a session. */
export const saslContext = ({ context, connection }: Omit<LogonSession, 'policy'>): SaslContext => ({
  directory: context.directory,
  hostname: context.hostname,
  clock: context.clock,
  ntlm: context.config.ntlm,
  tokens: context.oauth2.bearerTokens(context.config.protocol),
  endpoint: endpointOf(connection, context),
  service: serviceNames[context.config.protocol],
  ...connection.channel,
  isGone: () => connection.isClosed,
})

const endpointOf = ({ tls, local, remote }: Connection, { labNames }: ServerContext): SaslEndpoint => ({
  // A client on another machine may use a port of a container's host, or of a proxy.
  port: isLoopback(remote.address) ? local.port : undefined,
  isNamed(host) {
    const names = ['localhost', tls?.serverName ?? '', ...labNames].map((name) => name.toLowerCase())
    return isIP(host.replace(/^\[(.*)\]$/, '$1')) !== 0 || names.includes(host.toLowerCase())
  },
})

/** Refuses a log-on by password where the policy forbids it. Call it before reading the password. RFC 2595 section 2.3. */
export function checkLogon({ policy, connection }: LogonSession, errors: LogonErrors): void {
  if (policy.logon === 'needs-tls') throw needsTls(connection, errors)
  if (policy.logon === 'no') throw errors.notOffered()
}

function needsTls({ record }: Connection, errors: LogonErrors): Error {
  record.because('needs-tls')
  return errors.needsTls()
}

/** Refuses a SASL log-on where no mechanism may be used. Call it before reading the mechanism. */
export function checkSasl({ policy, connection }: LogonSession, errors: LogonErrors): void {
  if (policy.mechanisms.length > 0) return
  throw policy.mechanismsOverTls.length > 0 ? needsTls(connection, errors) : errors.notOffered()
}

/**
 * Completes a log-on: creates the account if the directory is open, and records its name. Returns the account to use.
 * @param open does what must succeed as well, such as opening the mailbox: until then the client has not logged on
 */
export async function completeLogon(
  { connection, context }: Omit<LogonSession, 'policy'>,
  found: Account,
  open?: (account: Account) => Promise<void>,
): Promise<Account> {
  const { account } = await context.directory.add(found)
  await open?.(account)
  connection.record.user(account.user)
  connection.logon.succeeded()
  return account
}

/** Logs on by name and password. Returns the account. Throws one of `errors` if the log-on is refused. */
export async function authenticatePassword(
  session: Omit<LogonSession, 'policy'>,
  { name, password }: { readonly name: string; readonly password: string },
  errors: LogonErrors,
): Promise<Account> {
  const isGone = () => session.connection.isClosed
  await checkPasswords(session, errors)
  await session.context.directory.refresh()
  const proof = await session.context.directory.checkPassword(name, password, isGone)
  return proof ? admit(session, proof, errors) : refuseLogon(session, errors, { user: name })
}

/**
 * Refuses an account that may not log on by what the client has proved. Returns the account that the session is for.
 * @param by the account that acts for it, if it is another one
 */
export async function admit(
  { connection, context }: Omit<LogonSession, 'policy'>,
  { account, by, secret }: Proof & { readonly by?: Account },
  errors: LogonErrors,
): Promise<Account> {
  const proof = { account: by ?? account, ...(secret ? { secret } : {}) }
  const needsAppPassword = passwordRefusal(context) === 'application-password'
  const refusal = logonRefusal(proof, needsAppPassword) ?? logonRefusal({ account })
  if (refusal !== undefined) {
    connection.record.because('account-state', account.user)
    await connection.logon.delayFailure()
    throw errors.refused(refusal)
  }
  if (secret?.name !== undefined)
    connection.record.note(`logged on with the app password ${JSON.stringify(secret.name)}`)
  if (by) connection.record.note(`${by.user} acts for ${account.user}`)
  return account
}

/** Returns why the virtual server refuses passwords now, by its configuration or on the day of its personality. */
function passwordRefusal({ config, clock }: ServerContext): PasswordRefusal | undefined {
  const { refusesPasswords, personality, protocol } = config
  if (refusesPasswords !== undefined) return refusesPasswords === 'never' ? undefined : refusesPasswords
  const later = protocol === 'http' ? undefined : personalities[personality][protocol]?.refusesPasswords
  return later && clock.now() >= Date.parse(later.from) ? later.why : undefined
}

/** Refuses a password, right or wrong, where the virtual server refuses all of them. */
async function checkPasswords(
  { connection, context }: Omit<LogonSession, 'policy'>,
  errors: LogonErrors,
): Promise<void> {
  const why = passwordRefusal(context)
  if (why === undefined || why === 'application-password') return
  await connection.logon.delayFailure()
  throw errors.refused(why)
}

/** Mechanisms in which a client does not prove a password. */
const WITHOUT_PASSWORD = new Set(['XOAUTH2', 'OAUTHBEARER', 'EXTERNAL', 'ANONYMOUS'])

/** The facts about a failed log-on. */
interface FailedLogon {
  /** The name that the client gave. */
  readonly user?: string | undefined
  readonly reason?: string
}

/** Throws the error of a failed log-on, after a delay that limits how fast passwords can be guessed. */
export async function refuseLogon(
  { connection, context }: Omit<LogonSession, 'policy'>,
  errors: LogonErrors,
  { user, reason = 'unknown user name or bad password' }: FailedLogon,
): Promise<never> {
  const account = user === undefined ? undefined : context.directory.find(user)?.user
  if (user !== undefined)
    connection.record.because(account === undefined ? 'unknown-account' : 'wrong-password', account)
  await connection.logon.delayFailure()
  throw errors.failed(reason)
}

/** The command that starts a SASL exchange. */
interface SaslCommand {
  readonly mechanism: string
  readonly initial?: string | undefined
}

/**
 * Runs a SASL exchange to its end. Returns the account, and the mechanism's success data if the protocol sends that
 * with its final reply. Throws one of `errors` if the log-on is refused.
 */
export async function authenticateSasl(
  session: LogonSession,
  command: SaslCommand,
  dialect: SaslDialect,
  errors: LogonErrors,
): Promise<{ readonly account: Account; readonly data?: Buffer }> {
  const outcome = await authenticateAnyone(session, command, dialect, errors)
  if (outcome.kind === 'anonymous') throw errors.unknownMechanism(command.mechanism)
  return outcome
}

/** The same for protocols that have anonymous clients, who can log on by ANONYMOUS. */
export async function authenticateAnyone(
  session: LogonSession,
  command: SaslCommand,
  dialect: SaslDialect,
  errors: LogonErrors,
): Promise<SaslSuccess | SaslAnonymous> {
  const { connection, policy } = session
  await session.context.directory.refresh()
  const mechanism = command.mechanism.toUpperCase()
  const exchange = policy.mechanisms.includes(mechanism)
    ? startSasl(mechanism, { ...saslContext(session), announced: policy.mechanisms })
    : undefined
  if (!exchange) {
    checkSasl(session, errors)
    throw policy.mechanismsOverTls.includes(mechanism)
      ? needsTls(connection, errors)
      : errors.unknownMechanism(mechanism)
  }
  const outcome = await converse(exchange, {
    initial: command.initial,
    refused: (why) => connection.record.refused(why),
    successData: 'ask' in dialect || dialect.equalsSign === true,
    ask: 'ask' in dialect ? dialect.ask : askingLines(connection, dialect),
  })
  if ('note' in outcome && outcome.note !== undefined) {
    if (outcome.kind === 'failure') connection.record.refused(outcome.note)
    else connection.record.note(outcome.note)
  }
  if (outcome.kind === 'cancelled') throw errors.cancelled()
  if (outcome.kind === 'malformed') throw errors.malformed()
  if (!WITHOUT_PASSWORD.has(mechanism)) await checkPasswords(session, errors)
  if (outcome.kind === 'failure' && outcome.refusal !== undefined) throw errors.refused(outcome.refusal)
  if (outcome.kind === 'failure' && dialect.acceptsAny) return acceptUnknown(session)
  if (outcome.kind === 'failure') return refuseLogon(session, errors, outcome)
  return outcome.kind === 'anonymous' ? outcome : { ...outcome, account: await admit(session, outcome, errors) }
}

/** Returns the function that sends a challenge on a line, and reads the response on another. */
function askingLines(connection: Connection, dialect: SaslLines): (challenge: string) => Promise<string> {
  const empty = dialect.equalsSign ? '=' : ''
  let prompt = dialect.prompt ?? empty
  return async (challenge) => {
    connection.write(`${dialect.challengePrefix} ${challenge === '' ? prompt : challenge}\r\n`)
    prompt = empty
    const line = await connection.readLine(MAX_SASL_OCTETS, 'latin1', true)
    const response = dialect.responseIn?.(line) ?? line
    return response === empty ? '' : response
  }
}

/** Logs on a client without an account. */
function acceptUnknown({ connection }: Pick<LogonSession, 'connection'>): SaslAnonymous {
  const note = 'logged on with a name and password of no account (acceptAnyPassword)'
  connection.record.note(note)
  return { kind: 'anonymous', note }
}

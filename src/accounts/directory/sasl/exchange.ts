import type { PasswordForm } from '../../../core/config/accounts/known-passwords.ts'
import type { SaslMethod } from '../../../core/config/schema/authentication.ts'
import type { NtlmConfig } from '../../../core/config/schema/ntlm.ts'
import type { Clock } from '../../../core/time/clock.ts'
import type { ChannelBindings } from '../../../tls/negotiation/binding-types.ts'
import type { LogonRefusal } from '../logon-refusal.ts'
import { refusalTexts } from '../logon-refusal.ts'
import type { Account, Directory, Proof, Secret } from '../types.ts'
import type { BearerTokens } from './bearer-tokens.ts'

/** The context of a mechanism: the directory, and facts about the connection and its virtual server. */
export interface SaslContext {
  readonly directory: Directory
  /** The account named by the client certificate, if any. */
  readonly externalIdentity?: string | undefined
  /** Verifies access tokens. Absent where none are accepted. */
  readonly tokens?: BearerTokens
  /** The name of the server. Default: the mail domain of the directory. */
  readonly hostname?: string | undefined
  /** Default: the machine's time. */
  readonly clock?: Clock | undefined
  /** Default: every version of NTLM is accepted. */
  readonly ntlm?: NtlmConfig | undefined
  /** The server as the client names it. */
  readonly endpoint?: SaslEndpoint
  /** The name that GSSAPI has for the protocol: `imap`, `pop`. RFC 4422 section 4, item 1. */
  readonly service?: string
  /** The channel bindings of the connection. */
  readonly channelBindings?: ChannelBindings
  /** Names of the mechanisms that the server announces on this connection. */
  readonly announced?: readonly string[]
  /** Returns whether the client no longer waits for an answer. */
  readonly isGone?: () => boolean
}

/** The server as clients name it. */
export interface SaslEndpoint {
  /** Returns whether a host name or address can mean this server. */
  isNamed(host: string): boolean
  /** The port; undefined if clients can see another one, because a port may be mapped on the way. */
  readonly port: number | undefined
}

/** The server's next step: another challenge, or the result. The `data` of a success is the server's proof (SCRAM). */
export type SaslStep = SaslChallenge | SaslResult | SaslAnonymous

/** A challenge. A note says why the log-on is refused; the session's record has it immediately, whatever the client does next. */
interface SaslChallenge {
  readonly kind: 'challenge'
  readonly data: Buffer
  readonly note?: string
}

/** The end of an exchange. */
export type SaslResult = SaslSuccess | SaslFailure

/** The client stays anonymous. The session's record has the note. */
export interface SaslAnonymous {
  readonly kind: 'anonymous'
  readonly note: string
}

/** A success. The session's record has the note besides the user. */
export interface SaslSuccess {
  readonly kind: 'success'
  /** The account that the session is for. */
  readonly account: Account
  /** The account whose client acts for it, if it is another one. */
  readonly by?: Account
  /** The password that was proved. */
  readonly secret?: Secret
  readonly data?: Buffer
  readonly note?: string
}

/** A failure. The client learns the reason; the session's record also has the note, which says more. */
interface SaslFailure {
  readonly kind: 'failure'
  readonly reason: string
  /** The name that the client gave, if its proof is wrong. */
  readonly user?: string
  /** Set if the client has proved who it is. */
  readonly refusal?: LogonRefusal
  readonly note?: string
  /** Says why in the form of the mechanism. It is sent as a last challenge. */
  readonly data?: Buffer
}

/** One authentication in progress. */
export interface SaslExchange {
  /** Handles a client response. The first call gets the initial response, or undefined if the client sent none. */
  next(response: Buffer | undefined): SaslStep | Promise<SaslStep>
}

/** A SASL mechanism as a row of the table in `mechanisms.ts`. */
export interface SaslMechanism {
  /** The name registered with IANA. */
  readonly name: string
  /** Its name in the configuration, which decides where it is offered. Absent: wherever a client certificate names an account. */
  readonly method?: SaslMethod
  /** Its needs: any directory, one that knows passwords in a form, an access token, a client certificate, or anonymous clients. */
  readonly needs: 'password' | PasswordForm | 'token' | 'certificate' | 'anonymous'
  /** Whether it binds the log-on to the TLS connection. */
  readonly bindsChannel?: true
  start(context: SaslContext): SaslExchange
}

const EMPTY = Buffer.alloc(0)

/** Creates a challenge. Text is sent as UTF-8. */
export const challenge = (data: Buffer | string = EMPTY): SaslStep => ({
  kind: 'challenge',
  data: typeof data === 'string' ? Buffer.from(data, 'utf8') : data,
})
/** Creates a failure. */
export const failure = (reason: string, note?: string): SaslResult => ({
  kind: 'failure',
  reason,
  ...(note === undefined ? {} : { note }),
})
/** Returns the failure of a client that has proved nothing. It does not say whether the name or the password was wrong. */
export const proofFailure = (user: string): SaslFailure => ({
  kind: 'failure',
  reason: 'unknown user name or bad password',
  user,
})

/** Returns the account that a client acts as: its own, or `authzid` if that account lists it among its delegates. RFC 4422 section 3.4.1. */
export function actingAccount({ directory }: SaslContext, account: Account, authzid: string): Account | undefined {
  const target = authzid === '' ? account : directory.find(authzid)
  if (directory.isSame(target, account)) return account
  const isDelegate = target?.delegates?.some((name) => directory.isSame(directory.find(name), account))
  return isDelegate ? target : undefined
}

/** Returns the success of a client that has proved who it is, or a failure if it may not act as `authzid`. */
export function proofResult(
  context: SaslContext,
  { account, secret }: Proof,
  { authzid = '', data }: { readonly authzid?: string | undefined; readonly data?: Buffer } = {},
): SaslResult {
  const acting = actingAccount(context, account, authzid)
  if (!acting) return { kind: 'failure', reason: refusalTexts['not-authorized'], refusal: 'not-authorized' }
  return {
    kind: 'success',
    account: acting,
    ...(acting === account ? {} : { by: account }),
    ...(secret ? { secret } : {}),
    ...(data ? { data } : {}),
  }
}

/** How an authentication ended. */
export type SaslOutcome =
  | SaslResult
  | SaslAnonymous
  /** The client sent `*`. */
  | { readonly kind: 'cancelled' }
  /** The client sent a response that is not base64. */
  | { readonly kind: 'malformed' }

interface ConverseOptions {
  /** The command's initial response: base64, or `=` for an empty one. RFC 4954, 5034, 4959, 4643. */
  readonly initial?: string | undefined
  /** Sends a base64 challenge in the protocol's form and returns the client's next line. */
  readonly ask: (challenge: string) => Promise<string>
  /** The protocol's success reply can carry data (NNTP's 283). Without it, the data is sent as a last challenge. */
  readonly successData?: boolean
  /** Records why a log-on is refused while its challenge is still to be answered. */
  readonly refused?: (why: string) => void
}

/** Runs an exchange to its end. Used by all four protocols. */
export async function converse(exchange: SaslExchange, options: ConverseOptions): Promise<SaslOutcome> {
  const { initial, ask } = options
  let response = initial === undefined ? undefined : decodeResponse(initial === '=' ? '' : initial)
  for (;;) {
    if (response === 'cancelled' || response === 'malformed') return { kind: response }
    const step = await exchange.next(response)
    if (step.kind === 'challenge') {
      if (step.note !== undefined) options.refused?.(step.note)
      response = decodeResponse(await ask(step.data.toString('base64')))
      continue
    }
    if ('data' in step && step.data !== undefined && !(step.kind === 'success' && options.successData)) {
      // Any line but `*` ends the exchange: nothing is left to verify. The line should be empty (RFC 4954 section 4), but
      // PEAR's Net_SMTP sends NOOP and takes the log-on's reply for its answer, and Perl's Authen::SASL::SCRAM sends `1`.
      if ((await ask(step.data.toString('base64'))) === '*') return { kind: 'cancelled' }
    }
    return step
  }
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** Decodes a client's response line: base64 octets, or `*` to cancel. RFC 4422 section 3, RFC 4648 section 4. */
export function decodeResponse(line: string): Buffer | 'cancelled' | 'malformed' {
  if (line === '*') return 'cancelled'
  return BASE64.test(line) ? Buffer.from(line, 'base64') : 'malformed'
}

import type { Account, Directory } from '../types.ts'

/** What a mechanism checks against. */
export interface SaslContext {
  readonly directory: Directory
  /** The account that the client's certificate names, if it showed one that does. */
  readonly externalIdentity?: string | undefined
}

/** What the server says next: another challenge, or the end. `data` of a success is the server's own proof (SCRAM). */
export type SaslStep =
  | { readonly kind: 'challenge'; readonly data: Buffer }
  | { readonly kind: 'success'; readonly account: Account; readonly data?: Buffer }
  | { readonly kind: 'failure'; readonly reason: string }

/** One authentication, step by step. */
export interface SaslExchange {
  /** Takes the client's response; first of all the initial response, undefined where the client sent none. */
  next(response: Buffer | undefined): SaslStep
}

/** A SASL mechanism as a row of the table. */
export interface SaslMechanism {
  /** As registered with IANA. */
  readonly name: string
  /** What it needs: any directory, one that knows the password in clear, or a client certificate. */
  readonly needs: 'password' | 'clear-password' | 'certificate'
  start(context: SaslContext): SaslExchange
}

const EMPTY = Buffer.alloc(0)

export const challenge = (data: Buffer | string = EMPTY): SaslStep => ({
  kind: 'challenge',
  data: typeof data === 'string' ? Buffer.from(data, 'utf8') : data,
})
export const failure = (reason: string): SaslStep => ({ kind: 'failure', reason })
/** The account, or the failure that tells neither name nor password apart. */
export const outcome = (account: Account | undefined): SaslStep =>
  account ? { kind: 'success', account } : failure('unknown user name or bad password')

/** Whether a log-on may act as `authzid`: only as itself. RFC 4422 section 3.4.1. */
export function mayActAs(context: SaslContext, account: Account | undefined, authzid: string): boolean {
  return authzid === '' || (account !== undefined && context.directory.find(authzid) === account)
}

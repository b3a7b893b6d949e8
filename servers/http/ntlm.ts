import type { IncomingHttpHeaders } from 'node:http'
import { logonPolicy } from '../../src/accounts/directory/policy.ts'
import {
  decodeResponse,
  failure,
  type SaslExchange,
  type SaslResult,
} from '../../src/accounts/directory/sasl/exchange.ts'
import { startSasl } from '../../src/accounts/directory/sasl/mechanisms.ts'
import { ntlmMessageType } from '../../src/accounts/directory/sasl/ntlm/messages.ts'
import { ApiProblem } from '../../src/api/problem.ts'
import { addressListOf } from '../../src/core/network/address-list.ts'
import type { Connection } from '../../src/net/connection.ts'
import { saslContext } from '../logon.ts'
import type { ServerContext } from '../service.ts'
import { namesProxy } from './origin.ts'

/** The NTLM of one connection: NTLM logs on a connection, not a request. MS-NTHT section 1.3. */
interface ConnectionLogon {
  readonly exchange?: SaslExchange
  /** The account that has logged on. */
  readonly user?: string
}

const logons = new WeakMap<Connection, ConnectionLogon>()

/** Returns whether a client may log on by NTLM on a connection. Several clients may share that of a proxy: nobody may log it on. */
export function offersNtlm(connection: Connection, headers: IncomingHttpHeaders, context: ServerContext): boolean {
  const { config, directory } = context
  if (namesProxy((name) => headers[name.toLowerCase()]?.toString())) return false
  if (addressListOf(config.forwarded?.from ?? [])?.has(connection.remote.address)) return false
  return logonPolicy(config, directory, connection.channel).mechanisms.includes('NTLM')
}

/** Returns the account that has logged on by NTLM on this connection. */
export const ntlmUser = (connection: Connection): string | undefined => logons.get(connection)?.user

/** The answer to a NEGOTIATE_MESSAGE, with the server's challenge: nothing is refused. MS-NTHT section 2.2.1. */
export class NtlmChallenge extends ApiProblem {
  constructor(scheme: string, challenge: Buffer) {
    const field = { 'WWW-Authenticate': `${scheme} ${challenge.toString('base64')}` }
    super('log-on-required', 'send the answer to the NTLM challenge on this connection', {}, field)
  }
}

/**
 * Handles the NTLM message of a request. `Negotiate` may carry the same messages without SPNEGO, as Windows sends them without
 * Kerberos. MS-NTHT section 3.2.5.
 * @throws NtlmChallenge to continue
 */
export async function continueNtlm(
  { scheme, credentials }: { readonly scheme: string; readonly credentials: string },
  connection: Connection,
  context: ServerContext,
): Promise<SaslResult> {
  const message = decodeResponse(credentials.trim())
  const type = Buffer.isBuffer(message) ? ntlmMessageType(message) : undefined
  if (!Buffer.isBuffer(message) || type === undefined) return failure('the credentials are not an NTLM message')
  // A client may begin again at any time.
  const exchange =
    type === 1 ? startSasl('NTLM', saslContext({ context, connection })) : logons.get(connection)?.exchange
  logons.delete(connection)
  if (!exchange) return failure('the NTLM message answers no challenge of this connection')
  const step = await exchange.next(message)
  if (step.kind === 'challenge') {
    logons.set(connection, { exchange })
    throw new NtlmChallenge(scheme, step.data)
  }
  if (step.kind === 'anonymous') return failure('an anonymous log-on names no account')
  if (step.note !== undefined) connection.record.note(step.note)
  return step
}

/** Keeps who has logged on by NTLM, for the further requests of the connection. */
export const keepNtlmUser = (connection: Connection, user: string): void => void logons.set(connection, { user })

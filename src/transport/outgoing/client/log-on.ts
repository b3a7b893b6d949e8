import { createHmac } from 'node:crypto'
import { type Extensions, type Reply, replyText } from '../../../net/client/smtp.ts'
import type { NextHop } from '../types.ts'
import { PeerFailure } from './failure.ts'

/** How the lab logs on to a host. */
interface LogOn {
  readonly user: string
  readonly method: Mechanism
  readonly pass: string
}

type Mechanism = 'PLAIN' | 'LOGIN' | 'CRAM-MD5' | 'XOAUTH2'
/** The mechanisms under TLS and without it, the preferred first. */
type Preferences = Readonly<Record<'overTls' | 'inClearText', readonly Mechanism[]>>

/** A password that is sent under TLS comes first. */
const forPassword: Preferences = { overTls: ['PLAIN', 'LOGIN', 'CRAM-MD5'], inClearText: ['CRAM-MD5'] }
/** Without TLS, only a mechanism that does not show the secret. */
const forToken: Preferences = { overTls: ['XOAUTH2'], inClearText: [] }

/** The client's side of a mechanism. */
interface Responses {
  /** The response that AUTH carries. RFC 4954 section 4. */
  readonly initial?: string
  /** The responses to the challenges, in order. */
  readonly further?: readonly ((challenge: Buffer) => string)[]
}

const mechanisms: Readonly<Record<Mechanism, (logOn: LogOn) => Responses>> = {
  /** RFC 4616. Some hosts do not accept an authorization identity. */
  PLAIN: ({ user, pass }) => ({ initial: `\0${user}\0${pass}` }),
  /** draft-murchison-sasl-login */
  LOGIN: ({ user, pass }) => ({ further: [() => user, () => pass] }),
  /** RFC 2195 */
  'CRAM-MD5': ({ user, pass }) => ({
    further: [(challenge) => `${user} ${createHmac('md5', pass).update(challenge).digest('hex')}`],
  }),
  /** https://developers.google.com/workspace/gmail/imap/xoauth2-protocol */
  XOAUTH2: ({ user, pass }) => ({ initial: `user=${user}\x01auth=Bearer ${pass}\x01\x01` }),
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** Logs on. RFC 4954 section 4. @param ask sends a line and returns the reply @throws PeerFailure if the host refuses it */
export async function logOnTo(host: string, logOn: LogOn, ask: (line: string) => Promise<Reply>): Promise<void> {
  const { initial, further = [] } = mechanisms[logOn.method](logOn)
  let reply = await ask(`AUTH ${logOn.method}${initial === undefined ? '' : ` ${base64(initial)}`}`)
  for (const respond of further) {
    if (reply.code !== 334) break
    reply = await ask(base64(respond(Buffer.from(reply.lines[0]?.slice(4) ?? '', 'base64'))))
  }
  // Some refusals come in two steps: a challenge with the reason, and the reply to an empty response.
  if (reply.code === 334) reply = await ask('')
  // RFC 4954 section 6: no other reply says that the client is logged on.
  if (reply.code === 235) return
  // Its cure is a change of the configuration, so the mail waits. RFC 4954 section 6.
  const facts = { enhancedCode: '4.7.8', ...(reply.code > 0 && { code: reply.code }) }
  throw new PeerFailure(`${host} refused the log-on: ${replyText(reply)}`, facts)
}

/** A log-on that is not possible. Another attempt may find the host repaired. RFC 4954 section 6. */
const logOnImpossible = (message: string): PeerFailure => new PeerFailure(message, { enhancedCode: '4.7.8' })

/**
 * Returns how to log on; undefined if the hop has no user.
 * @param isSecure whether TLS protects the connection
 * @param allowsClearText whether the owner has switched TLS off, so that the secret may be sent in clear text
 * @throws PeerFailure
 */
export function logOnOf(
  { host, user, password, accessToken }: NextHop,
  extensions: Extensions,
  isSecure: boolean,
  allowsClearText: boolean,
): LogOn | undefined {
  if (user === undefined) return undefined
  const offered = new Set((extensions.get('AUTH') ?? '').toUpperCase().split(/\s+/))
  const mayShow = isSecure || allowsClearText
  const preferences = accessToken === undefined ? forPassword : forToken
  const possible = mayShow ? preferences.overTls : preferences.inClearText
  const method = possible.find((one) => offered.has(one))
  if (method !== undefined) return { user, method, pass: accessToken ?? password ?? '' }
  if (!mayShow) {
    const secret = accessToken === undefined ? 'password' : 'access token'
    throw logOnImpossible(`${host} offers no TLS, and the ${secret} is not sent in clear text (tls: none allows that)`)
  }
  throw logOnImpossible(`${host} does not offer a log-on with ${possible.join(', ')}`)
}

import { decodeSaslName } from '../names.ts'

/** A client's message to log on with an access token. */
export interface TokenMessage {
  /** The account that it wants to use; empty: the one that the token names. */
  readonly user: string
  /** Empty: the client only asks where it gets a token. */
  readonly token: string
  readonly host?: string
  readonly port?: string
}

/** Separates the parts of both messages. RFC 7628 section 3.1. */
const SEPARATOR = '\x01'

/** Reads the token in `Bearer TOKEN`. The scheme is case-insensitive. RFC 6750 section 2.1, RFC 9110 section 11.1. */
const bearerToken = (auth: string): string | undefined => /^Bearer +([^\s]*)$/i.exec(auth)?.[1]

/** Reads `user=NAME^Aauth=Bearer TOKEN^A^A`. https://developers.google.com/workspace/gmail/imap/xoauth2-protocol */
export function parseXOAuth2(message: string): TokenMessage | undefined {
  const [user = '', auth = '', ...end] = message.split(SEPARATOR)
  if (end.length !== 2 || end.some((part) => part !== '')) return undefined
  if (!/^user=./.test(user) || !auth.startsWith('auth=')) return undefined
  const token = bearerToken(auth.slice('auth='.length))
  return token === undefined ? undefined : { user: user.slice('user='.length), token }
}

/** Without channel binding, and with the name of an account or none. RFC 5801 section 4, RFC 7628 section 3.1. */
const GS2_HEADER = /^[ny],(?:a=([^,]+))?,$/

/** key "=" value; the value has no control characters except HTAB, CR and LF. RFC 7628 section 3.1. */
const PAIR = /^([A-Za-z]+)=([\t\r\n\x20-\x7e]*)$/

/** A decimal number without zeros in front. RFC 7628 section 3.1. */
const PORT = /^[1-9]\d{0,4}$/

/** Reads `n,a=NAME,^Ahost=HOST^Aport=PORT^Aauth=Bearer TOKEN^A^A`. RFC 7628 section 3.1. */
export function parseOAuthBearer(message: string): TokenMessage | undefined {
  const [header = '', ...parts] = message.split(SEPARATOR)
  const gs2 = GS2_HEADER.exec(header)
  if (!gs2 || parts.length < 2 || parts.splice(-2).some((part) => part !== '')) return undefined
  const pairs = new Map<string, string>()
  for (const part of parts) {
    const [, key, value] = PAIR.exec(part) ?? []
    if (key === undefined || value === undefined || pairs.has(key)) return undefined
    pairs.set(key, value)
  }
  const [auth, host, port] = ['auth', 'host', 'port'].map((key) => pairs.get(key))
  const token = auth === '' ? '' : bearerToken(auth ?? '')
  if (token === undefined || (port !== undefined && !PORT.test(port))) return undefined
  const user = decodeSaslName(gs2[1] ?? '')
  if (user === undefined) return undefined
  return { user, token, ...(host ? { host } : {}), ...(port === undefined ? {} : { port }) }
}

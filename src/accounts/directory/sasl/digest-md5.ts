import { createHash, randomBytes } from 'node:crypto'
import { provenSecret } from '../logon-refusal.ts'
import { isSameSecret } from '../secrets.ts'
import {
  challenge,
  failure,
  proofFailure,
  proofResult,
  type SaslContext,
  type SaslMechanism,
  type SaslStep,
} from './exchange.ts'

/** DIGEST-MD5: a digest of the name, the realm, the password and both nonces, without a security layer. RFC 2831. */
export const digestMd5: SaslMechanism = {
  name: 'DIGEST-MD5',
  method: 'digest-md5',
  needs: 'clear',
  start(context) {
    const nonce = randomBytes(18).toString('base64')
    const { domain: realm } = context.directory
    let asked = false
    return {
      next(response) {
        if (!asked) {
          // A client that wants to use an earlier nonce again gets a new one, as its first log-on does. RFC 2831 section 2.2
          asked = true
          return challenge(`realm="${realm}",nonce="${nonce}",qop="auth",charset=utf-8,algorithm=md5-sess`)
        }
        const answer = response && parseAnswer(response)
        return answer ? check(context, { realm, nonce }, answer) : failure('malformed DIGEST-MD5 message')
      },
    }
  },
}

/** The client's answer. RFC 2831 section 2.1.2. */
interface DigestAnswer {
  readonly username: string
  readonly realm: string
  readonly nonce: string
  readonly cnonce: string
  readonly nc: string
  readonly qop: string
  readonly uri: string
  readonly authzid: string | undefined
  readonly response: string
}

function check(context: SaslContext, sent: { realm: string; nonce: string }, answer: DigestAnswer): SaslStep {
  if (answer.nonce !== sent.nonce || answer.nc !== '00000001')
    return failure('the nonce or its count is not the server’s')
  if (answer.realm !== sent.realm && answer.realm !== '') return failure('the realm is not the server’s')
  if (answer.qop !== 'auth') return failure('only the quality of protection auth is offered')
  if (!isForService(answer.uri, context)) return failure(`the digest-uri is that of another service: ${answer.uri}`)
  const account = context.directory.find(answer.username)
  const isRight = (password: string): boolean =>
    isSameSecret(digest(sessionSecret(answer, password), answer, 'AUTHENTICATE'), answer.response)
  const secret = provenSecret(context.directory.secretsOf(account), isRight)
  if (!account || !secret) return proofFailure(answer.username)
  const data = Buffer.from(`rspauth=${digest(sessionSecret(answer, secret.password), answer, '')}`)
  return proofResult(context, { account, secret }, { authzid: answer.authzid, data })
}

const md5 = (...parts: readonly (string | Buffer)[]): Buffer => {
  const hash = createHash('md5')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** A1. RFC 2831 section 2.1.2.1. */
function sessionSecret({ username, realm, nonce, cnonce, authzid }: DigestAnswer, password: string): Buffer {
  const user = md5(octetsOf(username), ':', octetsOf(realm), ':', octetsOf(password))
  return md5(user, `:${nonce}:${cnonce}`, ...(authzid === undefined ? [] : [`:${authzid}`]))
}

/** The digest of the client (`AUTHENTICATE`) or of the server (nothing). RFC 2831 sections 2.1.2.1 and 2.1.3. */
function digest(secret: Buffer, { nonce, nc, cnonce, qop, uri }: DigestAnswer, method: string): string {
  const a2 = md5(Buffer.from(`${method}:${uri}`)).toString('hex')
  return md5(`${secret.toString('hex')}:${nonce}:${nc}:${cnonce}:${qop}:${a2}`).toString('hex')
}

/** Text that ISO 8859-1 can express is hashed in it, whatever the charset of the message. RFC 2831 section 2.1.2.1. */
const octetsOf = (text: string): Buffer => Buffer.from(text, /^[\0-\xff]*$/.test(text) ? 'latin1' : 'utf8')

/** Returns whether a digest-uri, `imap/mail.lab.test`, names this service and its host. RFC 2831 section 2.1.2. */
function isForService(uri: string, { service, endpoint }: SaslContext): boolean {
  const [name = '', host = ''] = uri.split('/')
  const isHost = endpoint === undefined || endpoint.isNamed(host)
  return isHost && (service === undefined || name.toLowerCase() === service)
}

const DIRECTIVE = /[\s,]*([a-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*(?=,|$)/gisy

/** Parses the answer. Returns undefined if it is malformed, names a directive twice or leaves out one that is required. */
function parseAnswer(response: Buffer): DigestAnswer | undefined {
  const text = response.toString('latin1')
  const directives = new Map<string, string>()
  let at = 0
  for (const match of text.matchAll(DIRECTIVE)) {
    const [whole, name = '', quoted, token] = match
    if (directives.has(name.toLowerCase())) return undefined
    directives.set(name.toLowerCase(), token ?? quoted?.replace(/\\(.)/gs, '$1') ?? '')
    at = match.index + whole.length
  }
  if (/[^\s,]/.test(text.slice(at))) return undefined
  const isUtf8 = directives.get('charset')?.toLowerCase() === 'utf-8'
  const value = (name: string): string => {
    const found = directives.get(name) ?? ''
    return isUtf8 ? Buffer.from(found, 'latin1').toString('utf8') : found
  }
  if (required.some((name) => value(name) === '')) return undefined
  return {
    username: value('username'),
    realm: value('realm'),
    nonce: value('nonce'),
    cnonce: value('cnonce'),
    nc: value('nc'),
    qop: directives.get('qop') ?? 'auth',
    uri: value('digest-uri'),
    authzid: directives.has('authzid') ? value('authzid') : undefined,
    response: value('response'),
  }
}

const required = ['username', 'nonce', 'cnonce', 'nc', 'digest-uri', 'response']

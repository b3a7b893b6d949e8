import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { sameSecret, saslprep } from '../secrets.ts'
import type { Account } from '../types.ts'
import {
  challenge,
  failure,
  mayActAs,
  outcome,
  type SaslContext,
  type SaslMechanism,
  type SaslStep,
} from './exchange.ts'

/** RFC 7677 section 4: at least 4096 */
const ITERATIONS = 4096
/** Runs in the thread pool, so that other sessions are served during the 2 ms that it takes. */
const deriveKey = promisify(pbkdf2)
/** Salts are derived from names. An unknown name therefore also has a constant salt, and looks like a known one. */
const saltKey = randomBytes(32)

interface Keys {
  readonly stored: Buffer
  readonly server: Buffer
}

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const saltOf = (name: string): Buffer => hmac(saltKey, name).subarray(0, 16)

/** SCRAM-SHA-256: both sides prove that they know the password without sending it. RFC 5802, RFC 7677. No channel binding. */
export const scramSha256: SaslMechanism = {
  name: 'SCRAM-SHA-256',
  method: 'scram-sha-256',
  needs: 'clear-password',
  start(context) {
    let answer = (response: Buffer): SaslStep | Promise<SaslStep> => {
      const first = parseClientFirst(response.toString('utf8'))
      if (!first) return failure('malformed SCRAM message, or channel binding requested (not supported)')
      const account = context.directory.find(first.name)
      const nonce = first.nonce + randomBytes(18).toString('base64')
      const salt = saltOf(context.directory.canonicalName(account?.user ?? first.name))
      const serverFirst = `r=${nonce},s=${salt.toString('base64')},i=${ITERATIONS}`
      answer = (final) => finish(context, { first, account, nonce, serverFirst, salt }, final)
      return challenge(serverFirst)
    }
    return { next: (response) => (response === undefined ? challenge() : answer(response)) }
  },
}

interface Exchange {
  readonly first: ClientFirst
  readonly account: Account | undefined
  readonly nonce: string
  readonly serverFirst: string
  readonly salt: Buffer
}

async function finish(context: SaslContext, exchange: Exchange, response: Buffer): Promise<SaslStep> {
  const { first, account, nonce, serverFirst, salt } = exchange
  const final = parseClientFinal(response.toString('utf8'))
  // The client repeats the gs2-header, so that a change in transit is detected. RFC 5802 section 6
  const bound = Buffer.from(first.gs2Header).toString('base64')
  if (!final || final.nonce !== nonce || final.channelBinding !== bound) return failure('malformed SCRAM message')
  // Never cached: an unknown name must take as long as a known one. RFC 5802 section 9
  const keys = await makeKeys(account?.password ?? '', salt)
  const authMessage = `${first.bare},${serverFirst},${final.withoutProof}`
  if (!provesPassword(keys, authMessage, final) || account?.password === undefined) return outcome(undefined)
  if (!mayActAs(context, account, first.authzid)) return failure('not authorized to act as another')
  return { kind: 'success', account, data: Buffer.from(`v=${hmac(keys.server, authMessage).toString('base64')}`) }
}

/** Returns whether the proof reveals the client key whose hash is the StoredKey. RFC 5802 section 3. */
function provesPassword(keys: Keys, authMessage: string, { proof }: ClientFinal): boolean {
  const signature = hmac(keys.stored, authMessage)
  if (proof.length !== signature.length) return false
  const clientKey = Buffer.from(proof.map((octet, i) => octet ^ (signature[i] as number)))
  return sameSecret(createHash('sha256').update(clientKey).digest(), keys.stored)
}

async function makeKeys(password: string, salt: Buffer): Promise<Keys> {
  const salted = await deriveKey(saslprep(password) ?? password, salt, ITERATIONS, 32, 'sha256')
  const stored = createHash('sha256').update(hmac(salted, 'Client Key')).digest()
  return { stored, server: hmac(salted, 'Server Key') }
}

/** The client's first message: gs2-header, then client-first-message-bare. RFC 5802 section 7. */
interface ClientFirst {
  readonly gs2Header: string
  readonly authzid: string
  readonly bare: string
  readonly name: string
  readonly nonce: string
}

/** The client's final message: channel binding, nonce and proof. RFC 5802 section 7. */
interface ClientFinal {
  readonly withoutProof: string
  readonly channelBinding: string
  readonly nonce: string
  readonly proof: Buffer
}

const FIRST = /^((?:n|y),(?:a=([^,]+))?,)(n=([^,]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?)$/su
const FINAL = /^(c=([A-Za-z0-9+/=]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[^p][^,]*)*),p=([A-Za-z0-9+/=]+)$/su

/** Parses the first message. Returns undefined if it is malformed or asks for channel binding (`p=`), which is unsupported. */
function parseClientFirst(message: string): ClientFirst | undefined {
  const match = FIRST.exec(message)
  if (!match) return undefined
  const [, gs2Header = '', authzid = '', bare = '', rawName = '', nonce = ''] = match
  const name = decodeName(rawName)
  const actAs = decodeName(authzid)
  if (name === undefined || actAs === undefined) return undefined
  return { gs2Header, authzid: actAs, bare, name, nonce }
}

/** Parses the final message. Returns undefined if it is malformed. */
function parseClientFinal(message: string): ClientFinal | undefined {
  const match = FINAL.exec(message)
  if (!match) return undefined
  const [, withoutProof = '', channelBinding = '', nonce = '', proof = ''] = match
  return { withoutProof, channelBinding, nonce, proof: Buffer.from(proof, 'base64') }
}

/** Decodes `=2C` and `=3D` to comma and equals sign. Any other equals sign is an error. RFC 5802 section 5.1. */
function decodeName(name: string): string | undefined {
  if (/=(?!2C|3D)/.test(name)) return undefined
  return saslprep(name.replaceAll('=2C', ',').replaceAll('=3D', '='))
}

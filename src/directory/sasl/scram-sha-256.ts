import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { sameSecret } from '../compare.ts'
import type { Account } from '../types.ts'
import { saslprep } from './saslprep.ts'
import { type ClientFinal, type ClientFirst, parseClientFinal, parseClientFirst } from './scram-messages.ts'
import { challenge, failure, mayActAs, outcome, type SaslContext, type SaslMechanism, type SaslStep } from './types.ts'

/** RFC 7677 section 4: at least 4096. */
const ITERATIONS = 4096
/** Salts follow from the name, so that a name without account shows a salt too, and always the same one. */
const saltKey = randomBytes(32)

interface Keys {
  readonly stored: Buffer
  readonly server: Buffer
}
const keysOf = new WeakMap<Account, Keys>()

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const saltOf = (name: string): Buffer => hmac(saltKey, name).subarray(0, 16)

/** SCRAM-SHA-256: the password proved by both ends without being sent. RFC 5802, RFC 7677. No channel binding. */
export const scramSha256: SaslMechanism = {
  name: 'SCRAM-SHA-256',
  needs: 'clear-password',
  start(context) {
    let answer = (response: Buffer): SaslStep => {
      const first = parseClientFirst(response.toString('utf8'))
      if (!first) return failure('malformed SCRAM message, or channel binding asked for')
      const account = context.directory.find(first.name)
      const nonce = first.nonce + randomBytes(18).toString('base64')
      const salt = saltOf(account?.user ?? first.name)
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

function finish(context: SaslContext, exchange: Exchange, response: Buffer): SaslStep {
  const { first, account, nonce, serverFirst, salt } = exchange
  const final = parseClientFinal(response.toString('utf8'))
  // RFC 5802 section 6: the binding repeats the gs2-header, so that nobody took an offer away on the way.
  const bound = Buffer.from(first.gs2Header).toString('base64')
  if (!final || final.nonce !== nonce || final.channelBinding !== bound) return failure('malformed SCRAM message')
  const keys = account ? keysFor(account, salt) : makeKeys('', salt)
  const authMessage = `${first.bare},${serverFirst},${final.withoutProof}`
  if (!provesPassword(keys, authMessage, final) || account?.password === undefined) return outcome(undefined)
  if (!mayActAs(context, account, first.authzid)) return failure('not authorized to act as another')
  return { kind: 'success', account, data: Buffer.from(`v=${hmac(keys.server, authMessage).toString('base64')}`) }
}

/** RFC 5802 section 3: StoredKey is the hash of what the client's proof uncovers. */
function provesPassword(keys: Keys, authMessage: string, { proof }: ClientFinal): boolean {
  const signature = hmac(keys.stored, authMessage)
  if (proof.length !== signature.length) return false
  const clientKey = Buffer.from(proof.map((octet, i) => octet ^ (signature[i] as number)))
  return sameSecret(createHash('sha256').update(clientKey).digest(), keys.stored)
}

function keysFor(account: Account, salt: Buffer): Keys {
  const known = keysOf.get(account)
  if (known) return known
  const keys = makeKeys(account.password ?? '', salt)
  keysOf.set(account, keys)
  return keys
}

function makeKeys(password: string, salt: Buffer): Keys {
  const salted = pbkdf2Sync(saslprep(password) ?? password, salt, ITERATIONS, 32, 'sha256')
  const stored = createHash('sha256').update(hmac(salted, 'Client Key')).digest()
  return { stored, server: hmac(salted, 'Server Key') }
}

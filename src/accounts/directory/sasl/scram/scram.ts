import { randomBytes } from 'node:crypto'
import type { PasswordForm } from '../../../../core/config/accounts/known-passwords.ts'
import type { SaslMethod } from '../../../../core/config/schema/authentication.ts'
import { isSameSecret } from '../../secrets.ts'
import type { Account } from '../../types.ts'
import {
  challenge,
  failure,
  proofFailure,
  proofResult,
  type SaslContext,
  type SaslMechanism,
  type SaslStep,
} from '../exchange.ts'
import { makeKeys, provesPassword, type ScramHash, saltOf, scramHashes, serverSignature } from './keys.ts'
import { type ClientFirst, parseClientFinal, parseClientFirst } from './messages.ts'

/** The values of the `e` attribute that are sent. RFC 5802 section 7. */
type ServerError =
  | 'channel-bindings-dont-match'
  | 'channel-binding-not-supported'
  | 'extensions-not-supported'
  | 'server-does-support-channel-binding'
  | 'unsupported-channel-binding-type'

/** The data that the client must repeat in its final message: the gs2-header and the data of its binding; or why it is refused. */
type Binding = { readonly expected: Buffer } | { readonly refused: ServerError }

/** An exchange after the server's first message. */
interface Exchange {
  readonly hash: ScramHash
  readonly first: ClientFirst
  readonly account: Account | undefined
  readonly nonce: string
  readonly salt: Buffer
  readonly iterations: number
  readonly serverFirst: string
  readonly binding: Binding
}

/**
 * The mechanisms of the SCRAM family: both sides prove that they know the password without sending it. The -PLUS forms also
 * prove that both see the same TLS connection. RFC 5802, RFC 7677.
 */
export const scramMechanisms: readonly SaslMechanism[] = [false, true].flatMap((isPlus) =>
  Object.entries(scramHashes).map(([name, hash]) => scram(`SCRAM-${name}`, hash, isPlus)),
)

function scram(base: string, hash: ScramHash, isPlus: boolean): SaslMechanism {
  const name = isPlus ? `${base}-PLUS` : base
  return {
    name,
    method: name.toLowerCase() as SaslMethod,
    needs: base as PasswordForm,
    ...(isPlus ? { bindsChannel: true } : {}),
    start(context) {
      let answer = (response: Buffer): SaslStep | Promise<SaslStep> => {
        const first = parseClientFirst(response.toString('utf8'))
        if (!first) return failure('malformed SCRAM message')
        const exchange = begin(context, hash, first, bindingOf(context, first, isPlus))
        answer = (final) => finish(context, exchange, final)
        return challenge(exchange.serverFirst)
      }
      return { next: (response) => (response === undefined ? challenge() : answer(response)) }
    },
  }
}

function begin({ directory }: SaslContext, hash: ScramHash, first: ClientFirst, binding: Binding): Exchange {
  const account = directory.find(first.name)
  const nonce = first.nonce + randomBytes(18).toString('base64')
  const own = account && directory.scramPassword(hash.name, account)
  // Accounts without keys of their own, and unknown names, look like an account that has some.
  const like = own ?? directory.scramPassword(hash.name)
  const iterations = like?.iterations ?? hash.iterations
  const salt = own?.salt ?? saltOf(hash, directory.canonicalName(account?.user ?? first.name), like?.salt.length)
  const serverFirst = `r=${nonce},s=${salt.toString('base64')},i=${iterations}`
  return { hash, first, account, nonce, salt, iterations, serverFirst, binding }
}

/** RFC 5802 section 6. */
function bindingOf(
  { channelBindings, announced = [] }: SaslContext,
  { gs2Header, binding, needsExtension }: ClientFirst,
  isPlus: boolean,
): Binding {
  if (needsExtension) return { refused: 'extensions-not-supported' }
  const header = Buffer.from(gs2Header)
  if (binding === 'n' || binding === 'y') {
    // -PLUS without a binding proves nothing about the channel.
    if (isPlus) return { refused: 'channel-bindings-dont-match' }
    // The client has not seen the -PLUS that was announced: somebody in between may have removed it.
    const isDowngraded = binding === 'y' && announced.some((name) => /^SCRAM-.*-PLUS$/.test(name))
    return isDowngraded ? { refused: 'server-does-support-channel-binding' } : { expected: header }
  }
  if (!isPlus) return { refused: 'channel-binding-not-supported' }
  const data = channelBindings?.get(binding.type)?.()
  return data ? { expected: Buffer.concat([header, data]) } : { refused: 'unsupported-channel-binding-type' }
}

async function finish(context: SaslContext, exchange: Exchange, response: Buffer): Promise<SaslStep> {
  const { hash, first, account, nonce, serverFirst, salt, iterations, binding } = exchange
  const final = parseClientFinal(response.toString('utf8'))
  if (!final || final.nonce !== nonce) return failure('malformed SCRAM message')
  if ('refused' in binding) return serverError(binding.refused)
  // The client repeats the gs2-header, so that a change in transit is detected. RFC 5802 section 6
  if (!isSameSecret(final.bound, binding.expected)) return serverError('channel-bindings-dont-match')
  // Never cached: an unknown name must take as long as a known one. RFC 5802 section 9
  const secrets = context.directory.secretsOf(account)
  const keys = await Promise.all(secrets.map(({ password }) => makeKeys(hash, password, salt, iterations)))
  const known = account && context.directory.scramPassword(hash.name, account)
  if (known) keys[0] = known
  const authMessage = `${first.bare},${serverFirst},${final.withoutProof}`
  const proven = keys.map((one) => provesPassword(hash, one, authMessage, final.proof)).indexOf(true)
  const [secret, own] = [secrets[proven], keys[proven]]
  if (!account || !secret || !own) return proofFailure(first.name)
  const data = Buffer.from(`v=${serverSignature(hash, own, authMessage)}`)
  return proofResult(context, { account, secret }, { authzid: first.authzid, data })
}

/**
 * Refuses with the reason in the server's final message. A wrong password is refused without that message, which is optional:
 * the client then sees the protocol's own answer immediately. RFC 5802 section 5.1, `e`.
 */
const serverError = (error: ServerError): SaslStep => ({
  kind: 'failure',
  reason: `SCRAM: ${error}`,
  data: Buffer.from(`e=${error}`),
})

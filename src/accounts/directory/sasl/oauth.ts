import type { BearerTokens, RefusedToken } from './bearer-tokens.ts'
import {
  actingAccount,
  challenge,
  failure,
  type SaslContext,
  type SaslExchange,
  type SaslMechanism,
  type SaslStep,
  type SaslSuccess,
} from './exchange.ts'
import { parseOAuthBearer, parseXOAuth2, type TokenMessage } from './oauth-messages.ts'

/** How a mechanism carries an access token. */
interface TokenForm {
  readonly name: 'XOAUTH2' | 'OAUTHBEARER'
  readonly method: 'xoauth2' | 'oauthbearer'
  /** Returns undefined for a message with mistakes. */
  readonly parse: (message: string) => TokenMessage | undefined
  /** The client's answer to an error response, before the server lets the log-on fail. */
  readonly acknowledgement: Buffer
}

const forms: readonly TokenForm[] = [
  // https://developers.google.com/workspace/gmail/imap/xoauth2-protocol
  { name: 'XOAUTH2', method: 'xoauth2', parse: parseXOAuth2, acknowledgement: Buffer.alloc(0) },
  // RFC 7628 section 3.2.3
  { name: 'OAUTHBEARER', method: 'oauthbearer', parse: parseOAuthBearer, acknowledgement: Buffer.of(1) },
]

/** The mechanisms that log on with an access token. */
export const [xoauth2, oauthBearer] = forms.map(
  (form): SaslMechanism => ({
    name: form.name,
    method: form.method,
    needs: 'token',
    start: (context) => exchange(form, context),
  }),
) as [SaslMechanism, SaslMechanism]

/** The message for the client. The session's record says more. */
const REASON = 'the access token is not accepted'

function exchange(form: TokenForm, context: SaslContext): SaslExchange {
  const { name, acknowledgement } = form
  const { tokens } = context
  let note: string | undefined
  return {
    async next(response): Promise<SaslStep> {
      if (note !== undefined) {
        if (response?.equals(acknowledgement)) return failure(REASON)
        const expected = acknowledgement.length === 0 ? 'an empty line' : acknowledgement.toString('base64')
        return failure(REASON, `${name}: after the error, the client did not send ${expected}`)
      }
      if (response === undefined) return challenge()
      if (!tokens) return failure('access tokens are not accepted')
      const checked = await check(form, response, context, tokens)
      if ('account' in checked) return { kind: 'success', ...checked }
      note = `${name}: ${checked.text}`
      const json = tokens.errorResponse(name, checked.error)
      return json ? { kind: 'challenge', data: json, note } : failure(REASON, note)
    },
  }
}

/** Returns the account that logs on, or the reason of the refusal as a whole sentence. */
async function check(
  { parse, name }: TokenForm,
  response: Buffer,
  context: SaslContext,
  tokens: BearerTokens,
): Promise<Pick<SaslSuccess, 'account' | 'by'> | RefusedToken> {
  const message = parse(response.toString('utf8'))
  if (!message) return { error: 'invalid_request', text: `the message is not one of ${name}` }
  const misdirected = otherServer(message, context)
  if (misdirected !== undefined) return { error: 'invalid_request', text: misdirected }
  if (message.token === '') return { error: 'invalid_token', text: 'the client sent no access token' }
  const result = await tokens.verify(message.token)
  if (!('account' in result)) return { error: result.error, text: `the access token ${result.text}` }
  const { account } = result
  const acting = actingAccount(context, account, message.user)
  if (acting) return { account: acting, ...(acting === account ? {} : { by: account }) }
  const text = `the access token is one of ${account.user}, but the client logs on as ${message.user}`
  return { error: 'invalid_token', text }
}

/** Returns what says that the client wanted another server; undefined if nothing does. RFC 7628 section 3.1. */
function otherServer({ host, port }: TokenMessage, { endpoint }: SaslContext): string | undefined {
  if (host !== undefined && endpoint && !endpoint.isNamed(host)) return `the message is for the host ${host}`
  if (port !== undefined && endpoint?.port !== undefined && port !== `${endpoint.port}`) {
    return `the message is for port ${port}, not for ${endpoint.port}`
  }
  return undefined
}

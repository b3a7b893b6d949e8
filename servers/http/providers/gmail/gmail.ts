import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { headerBlockEnd } from '../../../../src/mail/format/headers.ts'
import { accessTokenIn, accountIn, addressesIn, saveSent } from '../account-mail.ts'
import { send } from '../send.ts'
import { type Answer, type ErrorKind, type Provider, type ProviderCall, ProviderError } from '../types.ts'
import { jsonBody } from '../values.ts'

/** https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/send */
const input = z.object({ raw: z.string().default(''), threadId: z.string().optional() })

/** Returns the message of an upload: the whole body, or the second part of it. */
function uploaded({ c, body }: ProviderCall): { readonly raw: Buffer; readonly threadId?: string | undefined } {
  const type = c.req.header('Content-Type') ?? ''
  const [, boundary] = /^multipart\/related;.*\bboundary="?([^";]+)"?/is.exec(type) ?? []
  if (boundary === undefined) return { raw: body }
  const text = body.toString('latin1')
  const [, first = '', second = ''] = text.split(`--${boundary}`)
  const content = (part: string): Buffer => {
    const octets = Buffer.from(part.replace(/^\r?\n/, '').replace(/\r?\n$/, ''), 'latin1')
    return octets.subarray(headerBlockEnd(octets))
  }
  const { threadId } = jsonBody({ body: content(first).length === 0 ? Buffer.from('{}') : content(first) }, input)
  return { raw: trimmed(content(second)), threadId }
}

/** Returns a message without the empty lines before it. */
const trimmed = (octets: Buffer): Buffer =>
  octets.subarray(octets.findIndex((octet) => octet !== 0x0d && octet !== 0x0a))

async function sendMessage(call: ProviderCall): Promise<Answer> {
  const { user, address } = accountIn(call)
  const isUpload = call.path.startsWith('/upload/')
  const given = isUpload ? { raw: '', threadId: undefined } : jsonBody(call, input)
  const { raw, threadId } = isUpload
    ? uploaded(call)
    : { raw: Buffer.from(given.raw, 'base64url'), threadId: given.threadId }
  const { recipients } = addressesIn(raw)
  if (recipients.length === 0) throw new ProviderError('invalid', 'Recipient address required')
  const id = randomBytes(8).toString('hex')
  await send(call, [{ id, from: address, recipients, content: raw }])
  await saveSent(call, user, raw)
  return { body: { id, threadId: threadId ?? id, labelIds: ['SENT'] } }
}

/** https://developers.google.com/workspace/gmail/api/guides/handle-errors */
const errors: Readonly<Record<ErrorKind, readonly [status: number, reason: string, name: string, message?: string]>> = {
  'bad-key': [
    401,
    'authError',
    'UNAUTHENTICATED',
    'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.',
  ],
  'unverified-sender': [403, 'forbidden', 'PERMISSION_DENIED', 'Delegation denied for the account'],
  suppressed: [400, 'invalidArgument', 'INVALID_ARGUMENT'],
  'rate-limit': [429, 'rateLimitExceeded', 'RESOURCE_EXHAUSTED', 'User-rate limit exceeded.'],
  quota: [429, 'dailyLimitExceeded', 'RESOURCE_EXHAUSTED', 'User-rate limit exceeded. (Mail sending)'],
  'too-large': [413, 'uploadTooLarge', 'INVALID_ARGUMENT', 'Request entity too large'],
  suspended: [403, 'domainPolicy', 'PERMISSION_DENIED', 'The domain administrators have disabled Gmail apps.'],
  unavailable: [503, 'backendError', 'UNAVAILABLE'],
  invalid: [400, 'invalidArgument', 'INVALID_ARGUMENT'],
  'unknown-template': [400, 'invalidArgument', 'INVALID_ARGUMENT'],
  'not-found': [404, 'notFound', 'NOT_FOUND', 'Requested entity was not found.'],
  'not-offered': [501, 'notImplemented', 'UNIMPLEMENTED'],
}

/** The Gmail API: users.messages.send. Its keys are access tokens of the lab. */
export const gmail: Provider = {
  routes: [
    {
      method: 'POST',
      path: /^(?:\/upload)?(?:\/gmail)?\/v1\/users\/(?<user>[^/]+)\/messages\/send$/,
      run: sendMessage,
    },
  ],
  credentialOf: accessTokenIn,
  messageIdOf: (id) => `${id}@mail.gmail.com`,
  errorOf({ kind, message }) {
    const [code, reason, status, text = message] = errors[kind]
    return {
      status: code,
      body: { error: { code, message: text, errors: [{ message: text, domain: 'global', reason }], status } },
    }
  },
}

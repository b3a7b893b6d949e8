import { randomUUID } from 'node:crypto'
import { xml } from '../../../../src/core/text/xml.ts'
import { errorTable, routesOf } from '../tables.ts'
import type { Answer, Provider, ProviderError, ProviderRoute } from '../types.ts'
import { sesEvents } from './events.ts'
import { act, xmlAnswer } from './query.ts'
import { credentialOf, regionOf } from './signature.ts'
import { snsRoutes } from './sns.ts'
import { sendBulk, sendEmail } from './version-two.ts'

/** The errors that are the same in both APIs. */
const shared = {
  'unverified-sender':
    '400 MessageRejected Email address is not verified. The following identities failed the check in region {region}: {detail}',
  suppressed: '400 MessageRejected Address is on the suppression list',
  unavailable: '503 ServiceUnavailable',
  'not-found': '404 NotFoundException',
  'not-offered': '501 NotImplemented',
}

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors */
const versionTwo = errorTable({
  ...shared,
  'bad-key': '403 UnrecognizedClientException The security token included in the request is invalid.',
  'rate-limit': '429 TooManyRequestsException Maximum sending rate exceeded.',
  quota: '400 LimitExceededException Daily message quota exceeded.',
  'too-large': "400 MessageRejected Message length is more than {limit} bytes long: '{octets}'.",
  suspended:
    "400 AccountSuspendedException The message can't be sent because the account's ability to send email has been permanently restricted.",
  invalid: '400 BadRequestException',
  'bad-address': '400 BadRequestException {address}',
  'unknown-template': '404 NotFoundException',
})

/** https://docs.aws.amazon.com/ses/latest/APIReference/CommonErrors.html */
const query = errorTable({
  ...shared,
  'bad-key': '403 InvalidClientTokenId The security token included in the request is invalid.',
  'rate-limit': '400 Throttling Maximum sending rate exceeded.',
  quota: '400 Throttling Daily message quota exceeded.',
  'too-large': "400 InvalidParameterValue Message length is more than {limit} bytes long: '{octets}'.",
  suspended: '400 AccountSendingPausedException Email sending is disabled for your entire Amazon SES account.',
  invalid: '400 InvalidParameterValue',
  'bad-address': '400 InvalidParameterValue {address}',
  'unknown-template': '400 TemplateDoesNotExist',
})

/** Returns the refusal for an error. Keys that are missing or wrong have several. */
function refusalOf(error: ProviderError, isQuery: boolean, region: string, isSigned: boolean) {
  const { kind, code, message } = error
  const suffix = isQuery ? '' : 'Exception'
  if (kind === 'bad-key' && !isSigned)
    return { status: 403, code: `MissingAuthenticationToken${suffix}`, text: 'Missing Authentication Token' }
  if (kind === 'bad-key' && code === 'signature')
    return { status: 403, code: isQuery ? 'SignatureDoesNotMatch' : 'InvalidSignatureException', text: message }
  // The lab names both sizes.
  const [octets = '', limit = ''] = message.match(/\d+/g) ?? []
  const address = message.includes('@') ? 'Illegal address' : "Missing final '@domain'"
  return (isQuery ? query : versionTwo)(error, { region: region.toUpperCase(), octets, limit, address })
}

const withRequestId = (answer: Answer): Answer => ({
  ...answer,
  headers: { ...answer.headers, 'x-amzn-RequestId': randomUUID() },
})
const withRequestIds = (one: ProviderRoute): ProviderRoute => ({
  ...one,
  run: async (call) => withRequestId(await one.run(call)),
})

const sending = { 'POST /v2/email/outbound-emails': sendEmail, 'POST /v2/email/outbound-bulk-emails': sendBulk }

/** Amazon SES: the API of version 2, and the Query API of version 1. */
export const ses: Provider = {
  routes: [...routesOf({ ...sending, 'POST /': act }), ...snsRoutes].map(withRequestIds),
  credentialOf,
  messageIdOf: (id) => `${id}@eu-west-1.amazonses.com`,
  errorOf(error, _, call) {
    const isQuery = !call.path.startsWith('/v2/')
    const isSigned = call.c.req.header('Authorization') !== undefined
    const { status, code, text } = refusalOf(error, isQuery, regionOf(call), isSigned)
    if (!isQuery)
      return withRequestId({ status, body: { __type: code, message: text }, headers: { 'x-amzn-ErrorType': code } })
    const content = `<Type>${status < 500 ? 'Sender' : 'Receiver'}</Type><Code>${code}</Code><Message>${xml(text)}</Message>`
    const answer = `<Error>${content}</Error><RequestId>${randomUUID()}</RequestId>`
    return withRequestId(xmlAnswer(status, 'ErrorResponse', answer))
  },
  // https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html#send-email-simulator
  testAddresses: [
    [/^(?:success|ooto)(?:\+.*)?@simulator\.amazonses\.com$/i, 'delivered'],
    [/^bounce(?:\+.*)?@simulator\.amazonses\.com$/i, 'bounced'],
    [/^complaint(?:\+.*)?@simulator\.amazonses\.com$/i, 'complained'],
    [/^suppressionlist(?:\+.*)?@simulator\.amazonses\.com$/i, 'dropped'],
  ],
  eventPosts: sesEvents,
}

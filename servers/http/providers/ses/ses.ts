import { randomUUID } from 'node:crypto'
import { xml } from '../../../../src/core/text/xml.ts'
import type { ErrorKind, Provider } from '../types.ts'
import { sesEvents } from './events.ts'
import { queryRoutes, xmlAnswer } from './query.ts'
import { credentialOf, regionOf } from './signature.ts'
import { snsRoutes } from './sns.ts'
import { versionTwoRoutes } from './version-two.ts'

interface Refusal {
  readonly status: number
  readonly code: string
  /** Default: the message of the lab. */
  readonly message?: (detail: string, region: string) => string
}

type Errors = Readonly<Record<ErrorKind, Refusal>>

const unverified = (from: string, region: string): string =>
  `Email address is not verified. The following identities failed the check in region ${region.toUpperCase()}: ${from}`
const badKey = (): string => 'The security token included in the request is invalid.'
const tooFast = (): string => 'Maximum sending rate exceeded.'
const overQuota = (): string => 'Daily message quota exceeded.'

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors */
const versionTwo: Errors = {
  'bad-key': { status: 403, code: 'UnrecognizedClientException', message: badKey },
  'unverified-sender': { status: 400, code: 'MessageRejected', message: unverified },
  suppressed: { status: 400, code: 'MessageRejected', message: () => 'Address is on the suppression list' },
  'rate-limit': { status: 429, code: 'TooManyRequestsException', message: tooFast },
  quota: { status: 429, code: 'LimitExceededException', message: overQuota },
  'too-large': { status: 400, code: 'MessageRejected', message: (detail) => `Message length is too long: ${detail}` },
  suspended: { status: 400, code: 'AccountSuspendedException', message: () => 'The account is suspended.' },
  unavailable: { status: 503, code: 'ServiceUnavailable' },
  invalid: { status: 400, code: 'BadRequestException' },
  'unknown-template': { status: 404, code: 'NotFoundException' },
  'not-found': { status: 404, code: 'NotFoundException' },
  'not-offered': { status: 501, code: 'NotImplemented' },
}

/** https://docs.aws.amazon.com/ses/latest/APIReference/CommonErrors.html */
const query: Errors = {
  ...versionTwo,
  'bad-key': { status: 403, code: 'InvalidClientTokenId', message: badKey },
  'rate-limit': { status: 400, code: 'Throttling', message: tooFast },
  quota: { status: 400, code: 'Throttling', message: overQuota },
  'too-large': { ...versionTwo['too-large'], code: 'InvalidParameterValue' },
  suspended: { status: 400, code: 'AccountSendingPausedException', message: () => 'Sending is paused.' },
  invalid: { status: 400, code: 'InvalidParameterValue' },
  'unknown-template': { status: 400, code: 'TemplateDoesNotExist' },
}

/** Amazon SES: the API of version 2, and the Query API of version 1. */
export const ses: Provider = {
  routes: [...versionTwoRoutes, ...queryRoutes, ...snsRoutes],
  credentialOf,
  messageIdOf: (id) => `${id}@eu-west-1.amazonses.com`,
  errorOf(error, _, call) {
    const isQuery = !call.path.startsWith('/v2/')
    const { status, code, message } = (isQuery ? query : versionTwo)[error.kind]
    const text = message?.(error.message, regionOf(call)) ?? error.message
    if (!isQuery) return { status, body: { __type: code, message: text }, headers: { 'x-amzn-ErrorType': code } }
    const whose = status < 500 ? 'Sender' : 'Receiver'
    const content = `<Type>${whose}</Type><Code>${code}</Code><Message>${xml(text)}</Message>`
    return xmlAnswer(status, 'ErrorResponse', `<Error>${content}</Error><RequestId>${randomUUID()}</RequestId>`)
  },
  // https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html#send-email-simulator
  testAddresses: [
    [/^success(?:\+.*)?@simulator\.amazonses\.com$/i, 'delivered'],
    [/^bounce(?:\+.*)?@simulator\.amazonses\.com$/i, 'bounced'],
    [/^ooto(?:\+.*)?@simulator\.amazonses\.com$/i, 'delivered'],
    [/^complaint(?:\+.*)?@simulator\.amazonses\.com$/i, 'complained'],
    [/^suppressionlist(?:\+.*)?@simulator\.amazonses\.com$/i, 'dropped'],
  ],
  eventPosts: sesEvents,
}

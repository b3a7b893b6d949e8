import { randomUUID } from 'node:crypto'
import { xml } from '../../../../src/core/text/xml.ts'
import type { Answer, ErrorKind, Provider, ProviderError } from '../types.ts'
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
const badAddress = (email: string): string => (email.includes('@') ? 'Illegal address' : "Missing final '@domain'")
/** The lab names both sizes. */
const tooLong = (detail: string): string => {
  const [octets, limit] = detail.match(/\d+/g) ?? []
  return `Message length is more than ${limit} bytes long: '${octets}'.`
}

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors */
const versionTwo: Errors = {
  'bad-key': { status: 403, code: 'UnrecognizedClientException', message: badKey },
  'unverified-sender': { status: 400, code: 'MessageRejected', message: unverified },
  suppressed: { status: 400, code: 'MessageRejected', message: () => 'Address is on the suppression list' },
  'rate-limit': { status: 429, code: 'TooManyRequestsException', message: tooFast },
  quota: { status: 400, code: 'LimitExceededException', message: overQuota },
  'too-large': { status: 400, code: 'MessageRejected', message: tooLong },
  suspended: {
    status: 400,
    code: 'AccountSuspendedException',
    message: () =>
      "The message can't be sent because the account's ability to send email has been permanently restricted.",
  },
  unavailable: { status: 503, code: 'ServiceUnavailable' },
  invalid: { status: 400, code: 'BadRequestException' },
  'bad-address': { status: 400, code: 'BadRequestException', message: badAddress },
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
  suspended: {
    status: 400,
    code: 'AccountSendingPausedException',
    message: () => 'Email sending is disabled for your entire Amazon SES account.',
  },
  invalid: { status: 400, code: 'InvalidParameterValue' },
  'bad-address': { status: 400, code: 'InvalidParameterValue', message: badAddress },
  'unknown-template': { status: 400, code: 'TemplateDoesNotExist' },
}

/** Returns the refusal for an error. Keys that are missing or wrong have several. */
function refusalOf({ kind, code }: ProviderError, isQuery: boolean, isSigned: boolean): Refusal {
  if (kind !== 'bad-key') return (isQuery ? query : versionTwo)[kind]
  if (!isSigned) {
    const message = () => 'Missing Authentication Token'
    return { status: 403, code: `MissingAuthenticationToken${isQuery ? '' : 'Exception'}`, message }
  }
  if (code === 'signature')
    return { status: 403, code: isQuery ? 'SignatureDoesNotMatch' : 'InvalidSignatureException' }
  return (isQuery ? query : versionTwo)[kind]
}

const withRequestId = ({ headers, ...answer }: Answer): Answer => ({
  ...answer,
  headers: { ...headers, 'x-amzn-RequestId': randomUUID() },
})

/** Amazon SES: the API of version 2, and the Query API of version 1. */
export const ses: Provider = {
  routes: [...versionTwoRoutes, ...queryRoutes, ...snsRoutes].map((route) => ({
    ...route,
    run: async (call) => withRequestId(await route.run(call)),
  })),
  credentialOf,
  messageIdOf: (id) => `${id}@eu-west-1.amazonses.com`,
  errorOf(error, _, call) {
    const isQuery = !call.path.startsWith('/v2/')
    const { status, code, message } = refusalOf(error, isQuery, call.c.req.header('Authorization') !== undefined)
    const text = message?.(error.message, regionOf(call)) ?? error.message
    if (!isQuery)
      return withRequestId({ status, body: { __type: code, message: text }, headers: { 'x-amzn-ErrorType': code } })
    const whose = status < 500 ? 'Sender' : 'Receiver'
    const content = `<Type>${whose}</Type><Code>${code}</Code><Message>${xml(text)}</Message>`
    const answer = `<Error>${content}</Error><RequestId>${randomUUID()}</RequestId>`
    return withRequestId(xmlAnswer(status, 'ErrorResponse', answer))
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

import { accessTokenIn } from '../account-mail.ts'
import type { ErrorKind, Provider } from '../types.ts'
import { historyRoutes } from './history.ts'
import { labelRoutes } from './labels.ts'
import { mailRoutes } from './mails.ts'
import { messageIdOf } from './send.ts'

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
  'bad-address': [400, 'invalidArgument', 'INVALID_ARGUMENT', 'Invalid To header'],
  'unknown-template': [400, 'invalidArgument', 'INVALID_ARGUMENT'],
  'not-found': [404, 'notFound', 'NOT_FOUND', 'Requested entity was not found.'],
  'not-offered': [501, 'notImplemented', 'UNIMPLEMENTED'],
}

/** Returns where an error comes from. */
const errorLocation = (reason: string): object =>
  reason === 'authError'
    ? { domain: 'global', locationType: 'header', location: 'Authorization' }
    : { domain: reason.endsWith('LimitExceeded') ? 'usageLimits' : 'global' }

/** The Gmail API. Its keys are access tokens of the lab. */
export const gmail: Provider = {
  routes: [...mailRoutes, ...labelRoutes, ...historyRoutes],
  credentialOf: accessTokenIn,
  messageIdOf,
  errorOf({ kind, message, field }) {
    const [code, reason, status, text = message] =
      field === 'exists' ? ([409, 'aborted', 'ABORTED'] as const) : errors[kind]
    return {
      status: code,
      body: { error: { code, message: text, errors: [{ message: text, ...errorLocation(reason), reason }], status } },
    }
  },
}

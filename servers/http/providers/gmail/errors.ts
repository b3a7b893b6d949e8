import { errorTable } from '../tables.ts'
import { type Provider, ProviderError } from '../types.ts'

export const invalid = (message: string): ProviderError => new ProviderError('invalid', message)
export const notFound = (): ProviderError => new ProviderError('not-found', 'Requested entity was not found.')

/** https://developers.google.com/workspace/gmail/api/guides/handle-errors Of each error: its status, its reason and its name. */
const rows = {
  'bad-key':
    '401 authError:UNAUTHENTICATED Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.',
  'unverified-sender': '403 forbidden:PERMISSION_DENIED Delegation denied for the account',
  suppressed: '400 invalidArgument:INVALID_ARGUMENT',
  'rate-limit': '429 rateLimitExceeded:RESOURCE_EXHAUSTED User-rate limit exceeded.',
  quota: '429 dailyLimitExceeded:RESOURCE_EXHAUSTED User-rate limit exceeded. (Mail sending)',
  'too-large': '413 uploadTooLarge:INVALID_ARGUMENT Request entity too large',
  suspended: '403 domainPolicy:PERMISSION_DENIED The domain administrators have disabled Gmail apps.',
  unavailable: '503 backendError:UNAVAILABLE',
  invalid: '400 invalidArgument:INVALID_ARGUMENT',
  'bad-address': '400 invalidArgument:INVALID_ARGUMENT Invalid To header',
  'unknown-template': '400 invalidArgument:INVALID_ARGUMENT',
  'not-found': '404 notFound:NOT_FOUND Requested entity was not found.',
  'not-offered': '501 notImplemented:UNIMPLEMENTED',
}
const refusalOf = errorTable(rows)
const specialOf = errorTable({
  ...rows,
  'bad-key': '403 insufficientPermissions:PERMISSION_DENIED Request had insufficient authentication scopes.',
  invalid: '409 aborted:ABORTED',
})

/** Returns where an error comes from. */
const errorLocation = (reason: string): object =>
  reason === 'authError'
    ? { domain: 'global', locationType: 'header', location: 'Authorization' }
    : { domain: reason.endsWith('LimitExceeded') ? 'usageLimits' : 'global' }

/** Returns an error in the JSON of Google. */
export const errorOf: Provider['errorOf'] = (error) => {
  const isSpecial = error.code === 'scope' || error.field === 'exists'
  const { status: code, code: names, text: message } = (isSpecial ? specialOf : refusalOf)(error)
  const [reason = '', status] = names.split(':')
  const errors = [{ message, ...errorLocation(reason), reason }]
  return { status: code, body: { error: { code, message, errors, status } } }
}

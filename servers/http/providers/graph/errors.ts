import { randomUUID } from 'node:crypto'
import { timeText } from '../../../../src/core/time/time-text.ts'
import { errorTable } from '../tables.ts'
import { type Provider, ProviderError } from '../types.ts'

/** An error that only Graph has. */
export class GraphError extends ProviderError {
  readonly status: number
  constructor(status: number, code: string, message: string) {
    super('invalid', message, undefined, code)
    this.status = status
  }
}

/** https://learn.microsoft.com/en-us/graph/errors */
const rows = {
  'bad-key': '401 InvalidAuthenticationToken',
  'unverified-sender':
    '403 ErrorSendAsDenied The user account which was used to submit this request does not have the right to send mail on behalf of the specified sending account.',
  suppressed: '400 ErrorInvalidRecipients',
  'rate-limit': '429 ApplicationThrottled Application is over its MailboxConcurrency limit.',
  quota: '429 ErrorMessageSubmissionBlocked Cannot send mail. The daily limit of recipients is reached.',
  'too-large': '413 ErrorMessageSizeExceeded The message exceeds the maximum supported size.',
  suspended: '403 ErrorAccountSuspend Account suspended.',
  unavailable: '503 ServiceUnavailable',
  invalid: '400 ErrorInvalidRequest',
  'bad-address': '400 ErrorInvalidRecipients At least one recipient is not valid.',
  'unknown-template': '400 ErrorInvalidRequest',
  'not-found': '404 ErrorItemNotFound',
  'not-offered': '501 NotImplemented',
}
const refusalOf = errorTable(rows)

// A user in the path who is not the account, or a token of another scope. https://learn.microsoft.com/en-us/graph/resolve-auth-errors
const denied = errorTable({
  ...rows,
  'bad-key': '403 ErrorAccessDenied Access is denied. Check credentials and try again.',
  'unverified-sender': '403 ErrorAccessDenied Access is denied. Check credentials and try again.',
})
const unknown = errorTable({ ...rows, 'unverified-sender': '404 ErrorInvalidUser The requested user is invalid.' })
const users: Readonly<Record<string, typeof denied>> = { scope: denied, other: denied, unknown }

/** Returns an error in the JSON of Graph. */
export const errorOf: Provider['errorOf'] = (error, { resetAtMs, nowMs }, { c }) => {
  const known = ((error.field === 'user' && users[error.code ?? '']) || refusalOf)(error)
  const { status, code = '' } = error instanceof GraphError ? error : known
  const id = randomUUID()
  const innerError = {
    date: timeText(nowMs).slice(0, 19),
    'request-id': id,
    'client-request-id': c.req.header('client-request-id') ?? id,
  }
  const headers = { 'Retry-After': `${Math.ceil((resetAtMs - nowMs) / 1000)}` }
  const message = error instanceof GraphError ? error.message : known.text
  return { status, body: { error: { code, message, innerError } }, ...(status === 429 ? { headers } : {}) }
}

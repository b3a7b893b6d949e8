/** The kinds of problems, with the status and the title of each. The names are the ends of their URIs. RFC 9457 section 3. */
export const problems = {
  'bad-request': { status: 400, title: 'The request is malformed' },
  'log-on-required': { status: 401, title: 'Log on first' },
  'secure-channel-required': { status: 403, title: 'This virtual server requires a secure channel' },
  forbidden: { status: 403, title: 'You may not do this' },
  'foreign-origin': { status: 403, title: 'The request comes from a page of another site' },
  'not-found': { status: 404, title: 'Not found' },
  'wait-timeout': { status: 404, title: 'No message matched in time' },
  'method-not-allowed': { status: 405, title: 'The resource does not support this method' },
  'not-acceptable': { status: 406, title: 'The client does not accept the type of the response' },
  'too-slow': { status: 408, title: 'The request took too long' },
  'something-sent': { status: 409, title: 'Mail was sent' },
  conflict: { status: 409, title: 'The current state does not allow this' },
  gone: { status: 410, title: 'The lab no longer knows where this list continues' },
  'precondition-failed': { status: 412, title: 'The resource has changed since you read it' },
  'too-large': { status: 413, title: 'The request is too large' },
  'unsupported-type': { status: 415, title: 'The content type is not supported' },
  'expectation-failed': { status: 417, title: 'The expectation cannot be met' },
  'unknown-host': { status: 421, title: 'The host name does not belong to this lab' },
  invalid: { status: 422, title: 'The input is not valid' },
  'upgrade-required': { status: 426, title: 'Connect with WebSocket' },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  'header-too-large': { status: 431, title: 'The header of the request is too large' },
  internal: { status: 500, title: 'Internal error' },
  'not-offered': { status: 501, title: 'This lab does not support this' },
  busy: { status: 503, title: 'The virtual server has too many clients' },
  'store-failed': { status: 503, title: 'The message store cannot do this now' },
  'out-of-memory': { status: 503, title: 'The memory limit of the lab is reached' },
  'not-ready': { status: 503, title: 'The lab is not ready for clients' },
  stopping: { status: 503, title: 'The lab is stopping' },
} as const satisfies Record<string, { status: number; title: string }>

/** When a client may try again what the lab cannot do now, in seconds. RFC 9110 section 15.6.4. */
const RETRY_SECONDS = '5'

export type ProblemName = keyof typeof problems

/** A mistake in the input. `pointer` is a JSON pointer (RFC 6901), or the name of a parameter. */
export interface InputMistake {
  readonly pointer: string
  readonly message: string
  /** Where it is: `FILE:LINE:COLUMN`, or the name of a variable or option. */
  readonly place?: string
}

/** A request that is not answered as the caller wished. The message says why and what to do. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  readonly problem: ProblemName
  /** Further members of the problem document. */
  readonly more: Readonly<Record<string, unknown>>
  /** Further header fields of an HTTP answer. */
  readonly headers: Readonly<Record<string, string>>

  constructor(
    problem: ProblemName,
    detail: string,
    more: Readonly<Record<string, unknown>> = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail)
    this.problem = problem
    this.more = more
    this.headers = problems[problem].status === 503 ? { 'Retry-After': RETRY_SECONDS, ...headers } : headers
  }

  get status(): number {
    return problems[this.problem].status
  }

  get title(): string {
    return problems[this.problem].title
  }

  /** Returns the problem document. RFC 9457 section 3.1. */
  get document(): Record<string, unknown> {
    const { status, title } = problems[this.problem]
    return { type: `${PROBLEM_BASE}${this.problem}`, title, status, detail: this.message, ...this.more }
  }
}

/** The page that describes every problem. RFC 9457 section 3.1.1 allows relative references. */
export const PROBLEM_BASE = '/api/docs#problem-'

export const notFound = (what: string): ApiProblem => new ApiProblem('not-found', what)

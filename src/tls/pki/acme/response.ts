import type { ServiceResponse } from '../service/routes.ts'

/** Error types and their HTTP status. RFC 8555 section 6.7; RFC 9773 section 7.4 (alreadyReplaced). */
const statuses = {
  accountDoesNotExist: 400,
  alreadyReplaced: 409,
  alreadyRevoked: 400,
  badCSR: 400,
  badNonce: 400,
  badPublicKey: 400,
  badRevocationReason: 400,
  badSignatureAlgorithm: 400,
  connection: 400,
  dns: 400,
  externalAccountRequired: 403,
  incorrectResponse: 403,
  invalidContact: 400,
  invalidProfile: 400,
  malformed: 400,
  orderNotReady: 403,
  rejectedIdentifier: 400,
  serverInternal: 500,
  tls: 400,
  unauthorized: 403,
  unsupportedContact: 400,
  unsupportedIdentifier: 400,
} as const
type ProblemType = keyof typeof statuses

/** An error that the client receives as a problem document. */
export class AcmeProblem extends Error {
  override readonly name = 'AcmeProblem'
  readonly type: ProblemType
  readonly status: number
  readonly extra: Readonly<Record<string, unknown>>

  constructor(type: ProblemType, detail: string, options: { status?: number; extra?: Record<string, unknown> } = {}) {
    super(detail)
    this.type = type
    this.status = options.status ?? statuses[type]
    this.extra = options.extra ?? {}
  }

  /** Returns the problem document. RFC 7807. */
  document(): Record<string, unknown> {
    return { type: `urn:ietf:params:acme:error:${this.type}`, detail: this.message, status: this.status, ...this.extra }
  }
}

export const problemResponse = (problem: AcmeProblem): ServiceResponse => ({
  status: problem.status,
  type: 'application/problem+json',
  body: JSON.stringify(problem.document()),
})

/** Returns a resource in JSON. */
export const json = (
  body: object,
  options: { status?: number; headers?: Record<string, string> } = {},
): ServiceResponse => ({ type: 'application/json', body: JSON.stringify(body), ...options })

import type { Jwk } from './jws.ts'

/** RFC 8555 section 7.1.6, with `ip` of RFC 8738. */
export interface Identifier {
  readonly type: 'dns' | 'ip'
  readonly value: string
}

export interface Account {
  readonly id: string
  /** Slug of the authority whose directory it registered at. */
  readonly authority: string
  jwk: Jwk
  contact: string[]
  status: 'valid' | 'deactivated'
  /** kid of the external account it is bound to. */
  readonly external?: string | undefined
  readonly createdAt: string
}

export interface Challenge {
  readonly id: string
  readonly type: 'http-01'
  readonly token: string
  status: 'pending' | 'processing' | 'valid' | 'invalid'
  validated?: string
  error?: Record<string, unknown>
}

export interface Authorization {
  readonly id: string
  readonly account: string
  readonly identifier: Identifier
  readonly expires: string
  readonly challenges: readonly Challenge[]
  status: 'pending' | 'valid' | 'invalid' | 'deactivated'
}

export interface Order {
  readonly id: string
  readonly account: string
  readonly identifiers: readonly Identifier[]
  readonly authorizations: readonly string[]
  readonly expires: string
  /** RFC 9773 section 5. */
  readonly replaces?: string
  /** What is done is done; whether it is ready follows from its authorizations. */
  outcome?: { readonly kind: 'issued'; readonly pem: string } | { readonly kind: 'queued'; readonly request: number }
  /** Its request is being signed at this moment. */
  finalizing?: boolean
  error?: Record<string, unknown>
}

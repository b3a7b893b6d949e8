import type { CertificateStore } from '../../certificate-store/types.ts'
import type { ServiceRequest, ServiceResponse } from '../../service/routes.ts'
import type { StoreLog } from '../../types.ts'
import type { Accounts, AcmeAccount } from '../accounts.ts'
import type { Jwk, Jws } from '../jws.ts'
import type { AcmeOptions } from '../options.ts'
import type { Orders } from '../orders.ts'
import { AcmeProblem } from '../response.ts'
import type { Strictness } from '../strictness.ts'

/** The directory of one authority, as its handlers see it. */
export interface AcmeDirectory {
  /** Name of the authority. */
  readonly authority: string
  /** Slug of the authority. */
  readonly id: string
  readonly store: CertificateStore
  readonly options: AcmeOptions
  readonly accounts: Accounts
  readonly orders: Orders
  readonly strictness: Strictness
  readonly log: StoreLog
  /** Returns the address of a resource below the address that the client called. */
  url(request: ServiceRequest, ...path: readonly string[]): string
}

/** A request whose signature has been verified. */
export interface AcmeRequest {
  readonly directory: AcmeDirectory
  readonly http: ServiceRequest
  /** The rest of the path after the name of the resource. */
  readonly id: string
  readonly jws: Jws
  readonly payload: Readonly<Record<string, unknown>>
  /** Whether the payload is empty (POST-as-GET). RFC 8555 section 6.3. */
  readonly asGet: boolean
  /** The account whose key signed. Absent if the request contains the key itself (newAccount, revokeCert). */
  readonly account?: AcmeAccount
  readonly jwk: Jwk
}

/** Which key must sign a request: an account's, one in the request, or either. */
export type SignedBy = 'account' | 'key' | 'either'

export interface AcmeHandler {
  readonly signedBy: SignedBy
  readonly run: (request: AcmeRequest) => ServiceResponse | Promise<ServiceResponse>
}

/** Returns the account that signed. @throws AcmeProblem `unauthorized` */
export function signer({ account }: AcmeRequest): AcmeAccount {
  if (!account) throw new AcmeProblem('unauthorized', 'the request is not signed by an account')
  return account
}

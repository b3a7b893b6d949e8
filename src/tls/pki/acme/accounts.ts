import { randomBytes } from 'node:crypto'
import type { CertificateStore } from '../certificate-store/types.ts'
import { type Jwk, jwkThumbprint } from './jws.ts'
import { AcmeProblem } from './response.ts'

/** An account of an ACME client. RFC 8555 section 7.1.2. */
export interface AcmeAccount {
  readonly id: string
  /** Slug of the authority whose directory it belongs to. */
  readonly authority: string
  jwk: Jwk
  contact: string[]
  status: 'valid' | 'deactivated'
  /** kid of the external account that it is bound to. */
  readonly external?: string | undefined
  readonly createdAt: string
}

/** The accounts of all directories. They are kept in the certificate store, so that clients register only once. */
export class Accounts {
  readonly #store: CertificateStore

  constructor(store: CertificateStore) {
    this.#store = store
  }

  find(authority: string, id: string): AcmeAccount | undefined {
    return this.#all().find((one) => one.authority === authority && one.id === id)
  }

  findByKey(authority: string, jwk: Jwk): AcmeAccount | undefined {
    return withKey(this.#all(), authority, jwk)
  }

  /** Adds an account, or returns the one that has this key. */
  add(
    authority: string,
    jwk: Jwk,
    contact: string[],
    external: string | undefined,
    nowMs: number,
  ): Promise<{ account: AcmeAccount; made: boolean }> {
    const account: AcmeAccount = {
      id: randomBytes(9).toString('base64url'),
      authority,
      jwk,
      contact,
      status: 'valid',
      createdAt: new Date(nowMs).toISOString(),
      ...(external === undefined ? {} : { external }),
    }
    return this.#store.update((draft) => {
      const all = (draft.index.acmeAccounts ?? []) as readonly AcmeAccount[]
      const known = withKey(all, authority, jwk)
      if (known) return { account: known, made: false }
      draft.index.acmeAccounts = [...all, account]
      return { account, made: true }
    })
  }

  /** Changes an account. @throws AcmeProblem if it does not exist */
  change(id: string, change: Partial<Pick<AcmeAccount, 'jwk' | 'contact' | 'status'>>): Promise<AcmeAccount> {
    return this.#store.update((draft) => {
      const account = draft.index.acmeAccounts?.find((one) => one.id === id) as AcmeAccount | undefined
      if (!account) throw new AcmeProblem('accountDoesNotExist', 'the account does not exist')
      return Object.assign(account, change)
    })
  }

  #all(): readonly AcmeAccount[] {
    return (this.#store.index.acmeAccounts ?? []) as readonly AcmeAccount[]
  }
}

function withKey(accounts: readonly AcmeAccount[], authority: string, jwk: Jwk): AcmeAccount | undefined {
  const wanted = jwkThumbprint(jwk)
  return accounts.find((one) => one.authority === authority && jwkThumbprint(one.jwk) === wanted)
}

import { randomBytes, type X509Certificate } from 'node:crypto'
import type { StoreFiles } from '../certificate-store/files.ts'
import type { Records } from '../certificate-store/records.ts'
import type { Identifier } from './identifier.ts'
import { RecordFiles } from './order-files.ts'
import { AcmeProblem } from './response.ts'
import type { Strictness } from './strictness.ts'
import type { ChallengeType } from './validation/validate.ts'

export interface Challenge {
  readonly id: string
  readonly type: ChallengeType
  readonly token: string
  readonly status: 'pending' | 'processing' | 'valid' | 'invalid'
  readonly validated?: string
  readonly error?: Record<string, unknown>
}

/** Permission of an account to order certificates for an identifier. RFC 8555 section 7.1.4. */
export interface Authorization {
  readonly id: string
  readonly account: string
  /** Without the `*.` of a wildcard. */
  readonly identifier: Identifier
  readonly wildcard?: true
  readonly expires: string
  readonly challenges: readonly Challenge[]
  readonly status: 'pending' | 'valid' | 'invalid' | 'deactivated'
}

export interface Order {
  readonly id: string
  readonly account: string
  readonly identifiers: readonly Identifier[]
  readonly authorizations: readonly string[]
  readonly expires: string
  /** The certificate that this order replaces. RFC 9773 section 5. */
  readonly replaces?: string
  /** The kind of certificate. draft-aaron-acme-profiles. */
  readonly profile?: string
  /** The result of finalizing. Before that, the state follows from the authorizations. */
  readonly outcome?:
    | { readonly kind: 'issued'; readonly pem: string }
    | { readonly kind: 'queued'; readonly request: number }
  readonly error?: Record<string, unknown>
}

/** Returns the status of an authorization, which changes when it expires. RFC 8555 section 7.1.6. */
export function authorizationStatus(
  { status, expires }: Authorization,
  nowMs: number,
): Authorization['status'] | 'expired' {
  if (Date.parse(expires) > nowMs) return status
  return status === 'valid' ? 'expired' : status === 'pending' ? 'invalid' : status
}

export type OrderStatus = 'pending' | 'ready' | 'processing' | 'valid' | 'invalid'

type NewOrder = Pick<Order, 'account' | 'identifiers' | 'replaces' | 'profile'>

/** Maximum number of orders, and of authorizations. The oldest are deleted first. */
const MAX_ORDERS = 10_000
/** How long an order is kept after it has expired, so that its certificate can be fetched again. */
const KEPT_MS = 30 * 86_400_000

const isoTime = (ms: number): string => new Date(ms).toISOString()

const newId = (): string => randomBytes(12).toString('base64url')

/** How long a node may take for what only one of them does, such as a validation, before another one takes it over. */
const CLAIM_MS = 30_000

/**
 * The orders and authorizations of one directory. They are kept in files, so that clients continue after a restart, and at
 * another node of the lab.
 */
export class Orders {
  readonly #orders = new Map<string, Order>()
  readonly #authorizations = new Map<string, Authorization>()
  readonly #orderFiles: RecordFiles<Order>
  readonly #authorizationFiles: RecordFiles<Authorization>
  readonly #strictness: Strictness
  readonly #challengesFor: (identifier: Identifier, wildcard: boolean) => readonly ChallengeType[]
  /** Work on orders that a node has claimed. */
  readonly #claims: Records
  /** Orders whose request this node is signing. */
  readonly #finalizing = new Set<string>()

  /** @param directory identifies the directory in the store */
  constructor(
    files: StoreFiles,
    directory: string,
    strictness: Strictness,
    challengesFor: (identifier: Identifier, wildcard: boolean) => readonly ChallengeType[],
  ) {
    this.#orderFiles = new RecordFiles(files, `acme/${directory}/orders`)
    this.#authorizationFiles = new RecordFiles(files, `acme/${directory}/authorizations`)
    this.#claims = files.records(`acme/${directory}/claims`, MAX_ORDERS)
    this.#strictness = strictness
    this.#challengesFor = challengesFor
  }

  /** Reads what an earlier process has kept, and what other nodes have changed. Call it before the other methods. */
  async load(nowMs: number): Promise<void> {
    await loadInto(this.#orders, this.#orderFiles, nowMs)
    await loadInto(this.#authorizations, this.#authorizationFiles, nowMs)
  }

  /**
   * Runs what only one node may do for an order or a challenge at a time.
   * @returns undefined if a node is doing it
   */
  async alone<T>(id: string, work: () => Promise<T>, moreMs = 0): Promise<T | undefined> {
    if (!(await this.#claims.add(id, { text: '', lifeMs: CLAIM_MS + moreMs }))) return undefined
    try {
      return await work()
    } finally {
      await this.#claims.remove(id)
    }
  }

  async create(wanted: NewOrder, nowMs: number): Promise<Order> {
    const lifeMs = this.#strictness.orderLifetimeMs()
    const authorizations: Authorization[] = []
    for (const identifier of wanted.identifiers) {
      authorizations.push(await this.#authorize(wanted.account, identifier, nowMs, lifeMs))
    }
    // An order is of no use without its authorizations.
    const [expires = ''] = [isoTime(nowMs + lifeMs), ...authorizations.map((one) => one.expires)].sort()
    const order: Order = { id: newId(), ...wanted, authorizations: authorizations.map(({ id }) => id), expires }
    this.#orders.set(order.id, order)
    await this.#orderFiles.save(order)
    await forgetOldest(this.#orders, this.#orderFiles)
    await forgetOldest(this.#authorizations, this.#authorizationFiles)
    return order
  }

  /** Changes an order as it is now. */
  async changeOrder(id: string, change: (order: Order) => Order): Promise<void> {
    const changed = await this.#orderFiles.change(id, change)
    if (changed) this.#orders.set(id, changed)
  }

  /** Changes an authorization as it is now. */
  async changeAuthorization(id: string, change: (authorization: Authorization) => Authorization): Promise<void> {
    const changed = await this.#authorizationFiles.change(id, change)
    if (changed) this.#authorizations.set(id, changed)
  }

  /** Runs the signing of an order's request. Returns false if a node does it already. */
  async finalizing(id: string, sign: () => Promise<void>): Promise<boolean> {
    this.#finalizing.add(id)
    try {
      const signed = await this.alone(id, async () => {
        await sign()
        return true
      })
      return signed ?? false
    } finally {
      this.#finalizing.delete(id)
    }
  }

  /** Returns an order. @throws AcmeProblem if it does not belong to the account */
  order(id: string, account: string): Order {
    return assertOwn(this.#orders.get(id), account, 'order')
  }

  /** Returns an authorization. @throws AcmeProblem if it does not belong to the account */
  authorization(id: string, account: string): Authorization {
    return assertOwn(this.#authorizations.get(id), account, 'authorization')
  }

  /** Returns a challenge and its authorization. @throws AcmeProblem if they do not belong to the account */
  challenge(id: string, account: string): { authorization: Authorization; challenge: Challenge } {
    for (const { id: of } of this.#authorizations.values()) {
      const found = this.challengeOf(of, id)
      if (found) return { ...found, authorization: assertOwn(found.authorization, account, 'challenge') }
    }
    throw new AcmeProblem('malformed', 'no such challenge', { status: 404 })
  }

  /** Returns a challenge of an authorization, if there is one. */
  challengeOf(of: string, id: string): { authorization: Authorization; challenge: Challenge } | undefined {
    const authorization = this.#authorizations.get(of)
    const challenge = authorization?.challenges.find((one) => one.id === id)
    return authorization && challenge && { authorization, challenge }
  }

  /** Returns all orders, the oldest first. */
  all(): Order[] {
    return [...this.#orders.values()]
  }

  /** Returns the authorizations of an order that are still kept. */
  authorizationsOf({ authorizations }: Order): Authorization[] {
    return authorizations.flatMap((id) => this.#authorizations.get(id) ?? [])
  }

  ofAccount(account: string): Order[] {
    return [...this.#orders.values()].filter((order) => order.account === account)
  }

  /** Returns whether an order that can still succeed replaces a certificate. RFC 9773 section 5. */
  replacing(id: string, nowMs: number): boolean {
    return [...this.#orders.values()].some((one) => one.replaces === id && this.status(one, nowMs) !== 'invalid')
  }

  /** Returns the order that a certificate was issued for. */
  ofCertificate(certificate: X509Certificate): Order | undefined {
    const pem = certificate.toString().replaceAll('\r', '').trim()
    return [...this.#orders.values()].find(({ outcome }) => outcome?.kind === 'issued' && outcome.pem.startsWith(pem))
  }

  /** Returns the state of an order, which follows from its authorizations and its outcome. RFC 8555 section 7.1.6. */
  status(order: Order, nowMs: number): OrderStatus {
    if (order.outcome?.kind === 'issued') return 'valid'
    if (order.error) return 'invalid'
    if (order.outcome || this.#finalizing.has(order.id)) return 'processing'
    const states = order.authorizations.map((id) => {
      const found = this.#authorizations.get(id)
      return found ? authorizationStatus(found, nowMs) : 'invalid'
    })
    if (Date.parse(order.expires) < nowMs || states.some((state) => state !== 'valid' && state !== 'pending')) {
      return 'invalid'
    }
    return states.every((state) => state === 'valid') ? 'ready' : 'pending'
  }

  /** Returns whether the account has a valid authorization for an identifier, which may be a wildcard. */
  isAuthorized(account: string, identifier: Identifier, nowMs: number): boolean {
    return this.#validAuthorization(account, withoutWildcard(identifier), nowMs) !== undefined
  }

  /** Returns the valid authorization that lasts longest. */
  #validAuthorization(
    account: string,
    { identifier: { type, value }, wildcard }: AuthorizedName,
    nowMs: number,
  ): Authorization | undefined {
    const isValid = (one: Authorization): boolean =>
      one.account === account &&
      one.identifier.type === type &&
      one.identifier.value === value &&
      (one.wildcard ?? false) === wildcard &&
      one.status === 'valid' &&
      Date.parse(one.expires) > nowMs
    return [...this.#authorizations.values()].filter(isValid).sort((a, b) => b.expires.localeCompare(a.expires))[0]
  }

  /** Returns a valid authorization of the account, or a new one with its challenges. RFC 8555 section 7.4. */
  async #authorize(account: string, ordered: Identifier, nowMs: number, lifeMs: number): Promise<Authorization> {
    const name = withoutWildcard(ordered)
    const known = this.#validAuthorization(account, name, nowMs)
    // Not one that expires before the client can finalize.
    const isLasting = known !== undefined && Date.parse(known.expires) - nowMs > lifeMs / 2
    if (isLasting && this.#strictness.reusesAuthorization()) return known
    const { identifier, wildcard } = name
    const challenges = this.#challengesFor(identifier, wildcard).map(
      (type): Challenge => ({
        id: newId(),
        type,
        // At least 128 bits. RFC 8555 section 8.3
        token: randomBytes(24).toString('base64url'),
        status: 'pending',
      }),
    )
    const authorization: Authorization = {
      id: newId(),
      account,
      identifier,
      ...(wildcard ? { wildcard } : {}),
      expires: isoTime(nowMs + lifeMs),
      challenges,
      status: 'pending',
    }
    this.#authorizations.set(authorization.id, authorization)
    await this.#authorizationFiles.save(authorization)
    return authorization
  }
}

interface AuthorizedName {
  readonly identifier: Identifier
  readonly wildcard: boolean
}

const withoutWildcard = ({ type, value }: Identifier): AuthorizedName =>
  value.startsWith('*.')
    ? { identifier: { type, value: value.slice(2) }, wildcard: true }
    : { identifier: { type, value }, wildcard: false }

function assertOwn<T extends { readonly account: string }>(found: T | undefined, account: string, what: string): T {
  if (!found) throw new AcmeProblem('malformed', `no such ${what}`, { status: 404 })
  if (found.account !== account) throw new AcmeProblem('unauthorized', `the ${what} belongs to another account`)
  return found
}

/** Loads new and changed records, the oldest first, and deletes those that expired long ago. */
async function loadInto<T extends { readonly id: string; readonly expires: string }>(
  map: Map<string, T>,
  files: RecordFiles<T>,
  nowMs: number,
): Promise<void> {
  const records = (await files.changed()).sort((a, b) => a.expires.localeCompare(b.expires))
  for (const record of records) {
    if (Date.parse(record.expires) + KEPT_MS >= nowMs) map.set(record.id, record)
    else await files.remove(record.id)
  }
}

async function forgetOldest<T extends { readonly id: string }>(
  map: Map<string, T>,
  files: RecordFiles<T>,
): Promise<void> {
  for (const oldest of map.keys()) {
    if (map.size <= MAX_ORDERS) return
    map.delete(oldest)
    await files.remove(oldest)
  }
}

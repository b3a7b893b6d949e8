import { OwnValues, type SharedMap, type SharedValues } from '../../core/values/shared-values.ts'

/** A tenant that was created over the API. */
export interface TenantRecord {
  readonly name: string
  readonly token: string
  readonly accounts: readonly { readonly user: string; readonly password: string; readonly address: string }[]
}

/** The parts of one tenant of a lab: accounts `TENANT-…`, the addresses that begin so, and newsgroups `TENANT.…`. */
export interface TenantScope {
  readonly name: string
  /** Returns whether an account, or its address, belongs to the tenant. */
  ownsAccount(user: string): boolean
  ownsNewsgroup(name: string): boolean
  /** Returns whether a message is from or to an account of the tenant. Captured mail belongs to nobody else. */
  ownsEnvelope(envelope: EnvelopeAddresses | undefined): boolean
}

interface EnvelopeAddresses {
  readonly mailFrom?: string
  readonly rcptTo?: readonly string[]
}

/**
 * The names of a lab's tenants. A name can begin with another one: with tenants `a` and `a-b`, the account `a-b-eve`
 * belongs to `a-b` only. Names are compared in any case, as names of accounts are.
 */
export class Tenants {
  #configured: ReadonlyMap<string, string> = new Map()
  /** By the name in lower case, as in `#configured`. */
  readonly #added = new Map<string, string>()
  /** The tenants that were created over the API, by name, which is in lower case. All nodes of the lab share them. */
  readonly created: SharedMap<TenantRecord>
  #revision = 0

  constructor(values: SharedValues = new OwnValues()) {
    this.created = values.map('tenants')
    this.created.watch(() => this.#revision++)
  }

  /** Grows with each change: what belongs to a tenant may be another one's then. */
  get revision(): number {
    return this.#revision
  }

  /** Replaces the names in the configuration. */
  configure(names: readonly string[]): void {
    this.#configured = new Map(names.map((name) => [name.toLowerCase(), name]))
    this.#revision++
  }

  /** Adds the tenant of a test in this process. */
  add(name: string): void {
    this.#added.set(name.toLowerCase(), name)
    this.#revision++
  }

  has(name: string): boolean {
    return this.#find(name) !== undefined
  }

  /** Returns the tenant of an account: the longest name that its name begins with. */
  tenantOfAccount(user: string): string | undefined {
    for (let at = user.lastIndexOf('-'); at > 0; at = user.lastIndexOf('-', at - 1)) {
      const name = this.#find(user.slice(0, at))
      if (name !== undefined) return name
    }
    return undefined
  }

  /** Returns what belongs to the tenant of an account; undefined if it has none. */
  scopeOf(user: string): TenantScope | undefined {
    const name = this.tenantOfAccount(user)
    return name === undefined ? undefined : this.scope(name)
  }

  /** Returns what belongs to a tenant now and later, also to one that has no accounts yet. */
  scope(name: string): TenantScope {
    const ownsAccount = (user: string): boolean => this.#owns(name, '-', user)
    return {
      name,
      ownsAccount,
      ownsNewsgroup: (group) => this.#owns(name, '.', group),
      ownsEnvelope: ({ mailFrom = '', rcptTo = [] } = {}) => [mailFrom, ...rcptTo].some(ownsAccount),
    }
  }

  /** Returns whether a text begins with the name of a tenant and a separator, and with no longer name of another tenant. */
  #owns(name: string, separator: string, text: string): boolean {
    const start = name.length
    if (text[start] !== separator || text.slice(0, start).toLowerCase() !== name.toLowerCase()) return false
    for (let at = text.indexOf(separator, start + 1); at !== -1; at = text.indexOf(separator, at + 1)) {
      if (this.has(text.slice(0, at))) return false
    }
    return true
  }

  #find(name: string): string | undefined {
    const folded = name.toLowerCase()
    return this.#added.get(folded) ?? this.created.get(folded)?.name ?? this.#configured.get(folded)
  }
}

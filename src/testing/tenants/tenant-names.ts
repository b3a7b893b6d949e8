import type { TenantScope, Tenants } from '../../accounts/directory/tenants.ts'
import type { SessionRecord } from '../../core/sessions/types.ts'

/** Names of accounts and newsgroups begin with it, and addresses: letters, digits, `-`, `_`. */
const VALID = /^[a-z0-9][a-z0-9_-]{0,63}$/i

/** The names of the tenants that tests have created. */
export class TenantNames {
  readonly #names = new Set<string>()
  readonly #tenants: Tenants
  #last = 0

  /** @param tenants all tenants of the lab */
  constructor(tenants: Tenants) {
    this.#tenants = tenants
  }

  /** Adds a tenant and returns its name. @param name default: a new one @throws TypeError if accounts could belong to two tenants */
  add(name?: string): string {
    const added = name ?? this.#next()
    if (!VALID.test(added)) {
      throw new TypeError(`"${added}" cannot be the name of a tenant; write letters and digits, such as w3`)
    }
    const other = [...this.#names].find((known) => overlaps(known, added))
    if (other !== undefined) {
      throw new TypeError(
        `tenant "${added}" cannot be told from tenant "${other}"; choose a name that does not begin with the other and -`,
      )
    }
    this.#names.add(added)
    this.#tenants.add(added)
    return added
  }

  /** Returns whether the client's lines in a session name an account of a tenant. */
  mentions(record: SessionRecord, { ownsAccount }: TenantScope): boolean {
    return clientLines(record).some((line) => wordsOf(line).some(ownsAccount))
  }

  /** Returns whether an account or address belongs to any tenant. */
  isOwned(user: string): boolean {
    return this.#tenants.tenantOfAccount(user) !== undefined
  }

  /** Returns whether a session names an account of another tenant, or any address. */
  isAboutOthers(record: SessionRecord, { name }: TenantScope): boolean {
    const isOther = (user: string): boolean => (this.#tenants.tenantOfAccount(user) ?? name) !== name
    return clientLines(record).some((line) => line.includes('@') || wordsOf(line).some(isOther))
  }

  #next(): string {
    do this.#last++
    while (this.#names.has(`t${this.#last}`))
    return `t${this.#last}`
  }
}

/** With tenants `t` and `t-1`, the account `t-1-bob` would belong to both. */
function overlaps(one: string, other: string): boolean {
  const [a, b] = [`${one}-`.toLowerCase(), `${other}-`.toLowerCase()]
  return a !== b && (a.startsWith(b) || b.startsWith(a))
}

const clientLines = ({ transcript }: SessionRecord): string[] =>
  transcript.flatMap((entry) => (entry.kind === 'line' && entry.direction === 'in' ? [entry.text] : []))

/** Returns the words of a line that can be names of accounts. */
const wordsOf = (line: string): readonly string[] => line.match(/[\w.+-]+/g) ?? []

/** Returns whether an account or address belongs to a tenant. */
const belongsTo = (tenant: string, user: string): boolean => user.toLowerCase().startsWith(`${tenant}-`.toLowerCase())

/** Returns a tenant's account: `t1-alice` for `alice` and `t1-alice`. */
export const tenantAccount = (tenant: string, name: string): string =>
  belongsTo(tenant, name) ? name : `${tenant}-${name}`

/** Returns an address of the domain without the domain, and any other name as it is. */
export function withoutDomain(name: string, isLocal: (domain: string) => boolean): string {
  const at = name.lastIndexOf('@')
  return at > 0 && isLocal(name.slice(at + 1)) ? name.slice(0, at) : name
}

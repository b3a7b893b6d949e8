import type { SessionRecord } from '../sessions/types.ts'

/** Names of accounts and newsgroups begin with it, and addresses: letters, digits, `-`, `_`. */
const VALID = /^[a-z0-9][a-z0-9_-]{0,63}$/i

/** The names of a lab's tenants. */
export class TenantNames {
  readonly #names = new Set<string>()
  #last = 0

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
    return added
  }

  /** Returns whether the client's lines in a session name an account of a tenant. */
  mentions(record: SessionRecord, tenant: string): boolean {
    return clientLines(record).some((line) => names(line, tenant))
  }

  /** Returns whether a session names an account of another tenant, or any address. */
  isAboutOthers(record: SessionRecord, tenant: string): boolean {
    const others = [...this.#names].filter((name) => name !== tenant)
    return clientLines(record).some((line) => line.includes('@') || others.some((name) => names(line, name)))
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

function names(line: string, tenant: string): boolean {
  const at = line.toLowerCase().indexOf(`${tenant}-`.toLowerCase())
  return at !== -1 && !/[\w-]/.test(line[at - 1] ?? ' ')
}

/** Returns whether an account or address belongs to a tenant. */
export const belongsTo = (tenant: string, user: string): boolean =>
  user.toLowerCase().startsWith(`${tenant}-`.toLowerCase())

/** Returns a tenant's account: `t1-alice` for `alice` and `t1-alice`. */
export const accountOf = (tenant: string, name: string): string =>
  belongsTo(tenant, name) ? name : `${tenant}-${name}`

/** Returns an address of the domain without the domain, and any other name as it is. */
export function withoutDomain(name: string, isLocal: (domain: string) => boolean): string {
  const at = name.lastIndexOf('@')
  return at > 0 && isLocal(name.slice(at + 1)) ? name.slice(0, at) : name
}

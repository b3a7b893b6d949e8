import type { DnsDefect } from '../../../core/config/schema/dns.ts'
import type { ZoneKey } from '../dnssec/key.ts'
import type { SignatureState } from '../dnssec/sign.ts'
import type { DnsRecord } from '../message.ts'
import { labelsOf, parentOf } from '../names.ts'
import { compareNames } from './order.ts'

/** The records of a zone for a name and a type. RFC 1034 section 4.3.2, RFC 4592. */
export type Found = {
  /** The records have this wildcard as their real owner. */
  readonly wildcard?: string
} & (
  | { readonly kind: 'records'; readonly records: readonly DnsRecord[] }
  | { readonly kind: 'alias'; readonly records: readonly DnsRecord[] }
  /** The name exists without records of the type. */
  | { readonly kind: 'nodata' }
  /** The name does not exist; its closest ancestor that does. */
  | { readonly kind: 'nxdomain'; readonly encloser: string }
  /** The name is in a zone of other servers. */
  | { readonly kind: 'referral'; readonly cut: string; readonly records: readonly DnsRecord[] }
)

type Node = ReadonlyMap<string, readonly DnsRecord[]>

/** How a zone is served. */
interface ZoneTraits {
  /** Absent: the zone is not signed. */
  readonly key?: ZoneKey
  /** Whether answers have the AD bit. */
  readonly isAuthenticated: boolean
  readonly signatures: SignatureState
  readonly defects: readonly DnsDefect[]
}

const plain: ZoneTraits = { isAuthenticated: false, signatures: 'good', defects: [] }

/** The records of one zone. Immutable. */
export class Zone {
  readonly name: string
  readonly traits: ZoneTraits
  readonly records: readonly DnsRecord[]
  /** By name and type. A name without records of its own has an empty node. */
  readonly #nodes = new Map<string, Map<string, DnsRecord[]>>()
  #signedNames: readonly string[] | undefined

  constructor(name: string, records: readonly DnsRecord[], traits: ZoneTraits = plain) {
    this.name = name
    this.traits = traits
    this.records = records
    for (const record of records) {
      const node = this.#nodeOf(record.name)
      const set = node.get(record.type)
      if (set) set.push(record)
      else node.set(record.type, [record])
    }
  }

  /** Returns the records of a name by type; undefined if the name does not exist. */
  node(name: string): Node | undefined {
    return this.#nodes.get(name)
  }

  get soa(): DnsRecord | undefined {
    return this.node(this.name)?.get('SOA')?.[0]
  }

  find(name: string, type: string): Found {
    const cut = this.cutAbove(name)
    // DS records belong to the zone above the cut. RFC 4035 section 3.1.4.1
    if (cut !== undefined && !(cut === name && type === 'DS')) {
      return { kind: 'referral', cut, records: this.node(cut)?.get('NS') ?? [] }
    }
    const node = this.node(name)
    if (node) return findInNode(node, type)
    let encloser = parentOf(name)
    while (!this.#nodes.has(encloser) && encloser !== this.name) encloser = parentOf(encloser)
    const wildcard = `*.${encloser}`
    const source = this.node(wildcard)
    if (!source) return { kind: 'nxdomain', encloser }
    const found = findInNode(source, type)
    if (!('records' in found)) return { ...found, wildcard }
    return { ...found, wildcard, records: found.records.map((record) => ({ ...record, name })) }
  }

  /** Returns the delegation at or above a name, below the top of the zone. */
  cutAbove(name: string): string | undefined {
    const labels = labelsOf(name)
    for (let count = labelsOf(this.name).length + 1; count <= labels.length; count++) {
      const ancestor = labels.slice(-count).join('.')
      if (this.node(ancestor)?.has('NS')) return ancestor
    }
    return undefined
  }

  /** The names that have an NSEC record, in canonical order: all with records, except those below a delegation. */
  get signedNames(): readonly string[] {
    this.#signedNames ??= [...this.#nodes]
      .filter(([name, node]) => node.size > 0 && [undefined, name].includes(this.cutAbove(name)))
      .map(([name]) => name)
      .sort(compareNames)
    return this.#signedNames
  }

  /** Returns a name's node, and adds those between it and the top of the zone. */
  #nodeOf(name: string): Map<string, DnsRecord[]> {
    const known = this.#nodes.get(name)
    if (known) return known
    const node = new Map<string, DnsRecord[]>()
    this.#nodes.set(name, node)
    if (name !== this.name) this.#nodeOf(parentOf(name))
    return node
  }
}

function findInNode(node: Node, type: string): Found {
  const records = node.get(type)
  if (records) return { kind: 'records', records }
  const alias = node.get('CNAME')
  if (alias) return { kind: 'alias', records: alias }
  // A query for all types gets the records of one. RFC 8482 section 4.1
  const [any] = type === 'ANY' ? node.values() : []
  return any ? { kind: 'records', records: any } : { kind: 'nodata' }
}

/** The zones of a lab. */
export class Zones {
  readonly list: readonly Zone[]
  readonly #byName: ReadonlyMap<string, Zone>

  constructor(list: readonly Zone[]) {
    this.list = list
    this.#byName = new Map(list.map((zone) => [zone.name, zone]))
  }

  get(name: string): Zone | undefined {
    return this.#byName.get(name)
  }

  /** Returns the closest zone that answers for a name and a type. */
  zoneFor(name: string, type: string): Zone | undefined {
    const zone = this.#closest(name)
    // The zone above answers for DS records. RFC 4035 section 3.1.4.1
    if (type !== 'DS' || zone?.name !== name) return zone
    return (name === '' ? undefined : this.#closest(parentOf(name))) ?? zone
  }

  #closest(name: string): Zone | undefined {
    for (let ancestor = name; ; ancestor = parentOf(ancestor)) {
      const zone = this.#byName.get(ancestor)
      if (zone || ancestor === '') return zone
    }
  }
}

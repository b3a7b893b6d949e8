import { nsecFor } from '../dnssec/denial.ts'
import { signatureOf } from '../dnssec/sign.ts'
import { setsOf } from '../dnssec/signer.ts'
import type { DnsRecord } from '../message.ts'
import { isWithin, normalName } from '../names.ts'
import type { Found, Zone, Zones } from '../zones/zone.ts'

/** A response before it is encoded. */
export interface Answer {
  rcode: 'NOERROR' | 'NXDOMAIN' | 'SERVFAIL' | 'REFUSED'
  isAuthoritative: boolean
  /** Whether all of it is from zones whose answers have the AD bit. */
  isAuthenticated: boolean
  /** Whether a resolver that checks signatures would refuse it. */
  isBogus: boolean
  readonly answers: DnsRecord[]
  readonly authorities: DnsRecord[]
  readonly additionals: DnsRecord[]
}

interface Wanted {
  /** Normal. */
  readonly name: string
  readonly type: string
  readonly dnssecOk: boolean
  readonly nowMs: number
}

const MAX_ALIASES = 8

/** Returns an answer without records. */
export const emptyAnswer = (rcode: Answer['rcode']): Answer => ({
  rcode,
  isAuthoritative: false,
  isAuthenticated: false,
  isBogus: false,
  answers: [],
  authorities: [],
  additionals: [],
})

/** Answers a question from the zones. RFC 1034 section 4.3.2. */
export function answerFrom(zones: Zones, wanted: Wanted): Answer {
  const { type } = wanted
  const answer: Answer = { ...emptyAnswer('NOERROR'), isAuthoritative: true, isAuthenticated: true }
  let { name } = wanted
  for (let aliases = 0; aliases <= MAX_ALIASES; aliases++) {
    const zone = zones.zoneFor(name, type)
    if (!zone) {
      // An alias leads to a name of other servers: the resolver goes on.
      if (aliases === 0) return emptyAnswer('REFUSED')
      answer.isAuthenticated = false
      return answer
    }
    const found = zone.find(name, type)
    note(answer, zone, found)
    const add = new Section(zone, wanted)
    const alias = steps[found.kind](answer, add, { ...found, name } as never)
    if (alias === undefined) return answer
    name = alias
  }
  return emptyAnswer('SERVFAIL')
}

function note(answer: Answer, { traits }: Zone, { kind }: Found): void {
  answer.isAuthenticated &&= traits.isAuthenticated && kind !== 'referral'
  answer.isBogus ||= traits.key !== undefined && traits.signatures !== 'good'
}

/** Adds records and their signatures to the sections of an answer. */
class Section {
  readonly zone: Zone
  readonly #wanted: Wanted

  constructor(zone: Zone, wanted: Wanted) {
    this.zone = zone
    this.#wanted = wanted
  }

  get isSigned(): boolean {
    return this.zone.traits.key !== undefined && this.#wanted.dnssecOk
  }

  /** @param wildcard the real owner of the records */
  signed(records: readonly DnsRecord[], wildcard?: string): DnsRecord[] {
    const { key, signatures: state } = this.zone.traits
    if (!key || !this.isSigned) return [...records]
    const signing = { zone: this.zone.name, key, nowMs: this.#wanted.nowMs, state, wildcard }
    return setsOf(records).flatMap((set) => [
      ...set.records,
      ...[signatureOf(set, signing)].flatMap((one) => one ?? []),
    ])
  }

  /** Returns the proofs that names do not exist or lack a type. */
  denial(...names: readonly string[]): DnsRecord[] {
    if (!this.isSigned) return []
    const records = names.map((name) => nsecFor(this.zone, name))
    const distinct = records.filter(({ name }, index) => records.findIndex((one) => one.name === name) === index)
    return this.signed(distinct)
  }

  /** Returns the SOA record with the TTL of negative answers. RFC 2308 section 3. */
  soa(): DnsRecord[] {
    const { soa } = this.zone
    if (soa?.type !== 'SOA') return []
    return this.signed([{ ...soa, ttl: Math.min(soa.ttl ?? 0, soa.data.minimum ?? 0) }])
  }
}

type Of<Kind extends Found['kind']> = Extract<Found, { readonly kind: Kind }> & { readonly name: string }
/** Adds what was found. Returns the name at which the search goes on. */
type Step<Kind extends Found['kind']> = (answer: Answer, add: Section, found: Of<Kind>) => string | undefined

const steps: { readonly [Kind in Found['kind']]: Step<Kind> } = {
  records({ answers, authorities }, add, { name, records, wildcard }) {
    answers.push(...add.signed(records, wildcard))
    // RFC 4035 section 3.1.3.3
    if (wildcard !== undefined) authorities.push(...add.denial(name))
    return undefined
  },
  alias({ answers, authorities }, add, { name, records, wildcard }) {
    answers.push(...add.signed(records, wildcard))
    if (wildcard !== undefined) authorities.push(...add.denial(name))
    const [first] = records
    return first?.type === 'CNAME' ? normalName(first.data) : undefined
  },
  nodata({ authorities }, add, { name, wildcard }) {
    authorities.push(...add.soa(), ...add.denial(name, ...(wildcard === undefined ? [] : [wildcard])))
    return undefined
  },
  nxdomain(answer, add, { name, encloser }) {
    // Also at the end of aliases. RFC 6604 section 3
    answer.rcode = 'NXDOMAIN'
    answer.authorities.push(...add.soa(), ...add.denial(name, `*.${encloser}`))
    return undefined
  },
  referral(answer, add, { cut, records }) {
    answer.isAuthoritative = answer.answers.length > 0
    const signers = add.zone.node(cut)?.get('DS')
    answer.authorities.push(...records, ...(signers ? add.signed(signers) : add.denial(cut)))
    answer.additionals.push(...records.flatMap((record) => glueOf(add.zone, record)))
    return undefined
  },
}

/** Returns the addresses of a name server below the delegation. RFC 1034 section 4.2.1. */
function glueOf(zone: Zone, record: DnsRecord): readonly DnsRecord[] {
  if (record.type !== 'NS') return []
  const host = normalName(record.data)
  if (!isWithin(host, zone.name)) return []
  return ['A', 'AAAA'].flatMap((type) => zone.node(host)?.get(type) ?? [])
}

import type { DnsConfig, DnsDefect } from '../../core/config/schema/dns.ts'
import { AddressList } from '../../core/network/address-list.ts'
import type { Clock } from '../../core/time/clock.ts'
import { clearTimeout, setTimeout } from '../../core/time/real-timers.ts'
import { buildZones, type WrittenZone } from './build-zones.ts'
import type { ZoneKey } from './dnssec/key.ts'
import { DnsError } from './errors.ts'
import type { DnsFacts } from './generated/facts.ts'
import { tlsaRecords } from './generated/tlsa.ts'
import type { DnsRecord } from './message.ts'
import { normalName } from './names.ts'
import { makeRecord } from './records.ts'
import { createResolver, type Resolver } from './resolver.ts'
import type { Rcode } from './server/encode.ts'
import { type QuerySource, recordsOf, respond } from './server/respond.ts'
import { ZoneTextError } from './zone-text/tokens.ts'
import { readRecord, recordText } from './zone-text/zone-text.ts'
import type { Zone, Zones } from './zones/zone.ts'

/** The settings that change with the configuration. */
interface NameServiceSettings {
  readonly config: Pick<DnsConfig, 'ttl' | 'dnssec' | 'transfer'>
  readonly written: readonly WrittenZone[]
  /** Records of other parts of the lab. */
  readonly provided: readonly DnsRecord[]
}

interface NameServiceOptions {
  readonly clock: Clock
  readonly key: ZoneKey
  /** Returns what records are generated from. */
  readonly facts: () => DnsFacts
  readonly onQuery?: (query: RecentQuery) => void
}

/** A query that the server has answered. */
interface RecentQuery {
  /** Milliseconds since the epoch, by the lab's clock. */
  readonly at: number
  readonly name: string
  readonly type: string
  /** The address of the client, or `lab` for the lab itself. */
  readonly client: string
  readonly protocol: 'udp' | 'tcp'
  /** `none`: no answer, by a defect. */
  readonly rcode: Rcode | 'none'
  readonly dnssecOk: boolean
}

interface AddedRecord {
  readonly id: string
  readonly record: DnsRecord
}

export interface AddedDefect {
  readonly id: string
  readonly zone: string
  readonly defect: DnsDefect
}

/** Maximum number of queries that are kept. */
const MAX_RECENT = 500
/** Maximum number of records, and of defects, that can be added to a running lab. */
const MAX_ADDED = 10_000
/** Timeout of the lab's own resolver. */
const OWN_TIMEOUT_MS = 3000

/** The zones of a lab, and everything that answers from them. They are built again when something has changed. */
export class NameService {
  readonly #options: NameServiceOptions
  #settings: NameServiceSettings
  #transfer: AddressList
  #zones: Zones | undefined
  #serial = 0
  #nextId = 0
  readonly #records = new Map<string, AddedRecord>()
  readonly #defects = new Map<string, AddedDefect>()
  readonly #recent: RecentQuery[] = []
  readonly #waiting = new Set<() => void>()
  #isStopped = false
  /** The current TLSA records, and the records of earlier certificates. */
  #tlsa: readonly DnsRecord[] = []
  #previousTlsa: readonly DnsRecord[] = []
  /** Looks up records in the lab's zones, defects included, without a socket. */
  readonly resolver: Resolver = createResolver((query) => this.#ask(query))

  constructor(settings: NameServiceSettings, options: NameServiceOptions) {
    this.#settings = settings
    this.#transfer = new AddressList(settings.config.transfer)
    this.#options = options
  }

  /** Uses other settings. Records and defects that were added stay. */
  configure(settings: NameServiceSettings): void {
    this.#settings = settings
    this.#transfer = new AddressList(settings.config.transfer)
    this.refresh()
  }

  /** Lets the zones follow a change of what they are made of. */
  refresh(): void {
    this.#zones = undefined
  }

  get zones(): Zones {
    this.#zones ??= this.#build()
    return this.#zones
  }

  /** The latest queries, newest first. */
  get recent(): readonly RecentQuery[] {
    return this.#recent.toReversed()
  }

  /** Returns the zone with a name. @throws DnsError `REFUSED` if it does not exist */
  zone(name: string): Zone {
    const found = this.zones.get(normalName(name))
    if (found) return found
    const names = this.zones.list.map((zone) => zone.name).join(', ')
    throw new DnsError('REFUSED', `the lab has no zone ${name}; there are: ${names}`)
  }

  /** Returns a zone as the text of a zone file, with its signatures if it is signed. */
  zoneText(name: string): string {
    const zone = this.zone(name)
    const { soa } = zone
    const others = recordsOf(zone, this.#options.clock.now()).filter((record) => record !== soa)
    return `${[...(soa ? [soa] : []), ...others].map(recordText).join('\n')}\n`
  }

  /** Returns the DS record of a signed zone. @throws DnsError `NODATA` if it is not signed */
  trustAnchor(name: string): string {
    const zone = this.zone(name)
    const { key } = zone.traits
    if (!key) throw new DnsError('NODATA', `the zone ${zone.name} is not signed; set dnssec: true`)
    return recordText(makeRecord(zone.name, 'DS', this.#ttlSeconds, key.ds(zone.name)))
  }

  get addedRecords(): readonly AddedRecord[] {
    return [...this.#records.values()]
  }

  get addedDefects(): readonly AddedDefect[] {
    return [...this.#defects.values()]
  }

  /**
   * Adds a record as a line of a zone file, such as `_acme-challenge.lab.test TXT "token"`.
   * @param zone the zone to which names without a period at the end are relative; default: they are absolute
   * @throws ZoneTextError, DnsError `REFUSED` if no zone of the lab has the name
   */
  addRecord(line: string, zone = ''): AddedRecord {
    if (this.#records.size >= MAX_ADDED)
      throw new ZoneTextError(`there are ${MAX_ADDED} added records already; remove one first`)
    const record = readRecord(line, { zone: normalName(zone), ttlSeconds: this.#ttlSeconds })
    if (!this.zones.zoneFor(record.name, 'ANY')) this.zone(record.name)
    const added = { id: `r${++this.#nextId}`, record }
    this.#records.set(added.id, added)
    this.refresh()
    return added
  }

  /** Removes an added record. Returns whether it was there. */
  removeRecord(id: string): boolean {
    this.refresh()
    return this.#records.delete(id)
  }

  /** Adds a defect to a zone. @throws DnsError `REFUSED` if there is no such zone */
  addDefect(zone: string, defect: DnsDefect): AddedDefect {
    const added = { id: `d${++this.#nextId}`, zone: this.zone(zone).name, defect }
    if (this.#defects.size >= MAX_ADDED) throw new DnsError('REFUSED', `there are ${MAX_ADDED} added defects already`)
    this.#defects.set(added.id, added)
    this.refresh()
    return added
  }

  /** Removes an added defect. Returns whether it was there. */
  removeDefect(id: string): boolean {
    this.refresh()
    return this.#defects.delete(id)
  }

  /** Forgets everything that was added, and the queries. */
  reset(): void {
    this.#records.clear()
    this.#defects.clear()
    this.#recent.length = 0
    this.#previousTlsa = []
    this.refresh()
  }

  /** Returns the messages of the response to a query; empty if the lab does not answer. */
  respond(query: Buffer, source: QuerySource): Promise<Buffer[]> {
    return respond(query, source, {
      zones: this.zones,
      transfer: this.#transfer,
      nowMs: this.#options.clock.now(),
      wait: (ms) => this.#wait(ms),
      onQuery: ({ name, type, edns }, { address: client, protocol }, rcode) =>
        this.#note({
          at: this.#options.clock.now(),
          name,
          type,
          client,
          protocol,
          rcode,
          dnssecOk: edns?.dnssecOk ?? false,
        }),
    })
  }

  /** Ends the waits of slow answers. */
  stop(): void {
    this.#isStopped = true
    for (const end of this.#waiting) end()
  }

  get #ttlSeconds(): number {
    return Math.floor(this.#settings.config.ttl / 1000)
  }

  #build(): Zones {
    const { config, written, provided } = this.#settings
    const { clock, key } = this.#options
    const facts = this.#options.facts()
    this.#followTlsa(tlsaRecords(facts))
    // Secondary servers compare serial numbers: each change needs a higher one. RFC 1982
    this.#serial = Math.max(this.#serial + 1, Math.floor(clock.now() / 1000) % 2 ** 32)
    return buildZones({
      facts,
      written,
      added: this.addedRecords.map(({ record }) => record),
      addedDefects: this.addedDefects.map(({ zone, defect }) => ({ ...defect, zone })),
      provided,
      isSigned: config.dnssec,
      key,
      serial: this.#serial,
      previousTlsa: this.#previousTlsa,
    })
  }

  #followTlsa(current: readonly DnsRecord[]): void {
    const text = (records: readonly DnsRecord[]): string => records.map(recordText).join('\n')
    if (this.#tlsa.length > 0 && text(this.#tlsa) !== text(current)) this.#previousTlsa = this.#tlsa
    this.#tlsa = current
  }

  #note(query: RecentQuery): void {
    if (this.#recent.push(query) > MAX_RECENT) this.#recent.shift()
    this.#options.onQuery?.(query)
  }

  #wait(ms: number): Promise<void> {
    if (this.#isStopped) return Promise.resolve()
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      timer.unref()
      this.#waiting.add(end)
    })
  }

  /** Answers the lab's own resolver, as by TCP. @throws DnsError `TIMEOUT` */
  async #ask(query: Buffer): Promise<Buffer> {
    const answered = this.respond(query, { protocol: 'tcp', address: 'lab' })
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<Buffer[]>((resolve) => {
      timer = setTimeout(() => resolve([]), OWN_TIMEOUT_MS)
    })
    const [response] = await Promise.race([answered, timeout])
    clearTimeout(timer)
    if (response) return response
    throw new DnsError('TIMEOUT', 'the DNS server of the lab did not answer')
  }
}

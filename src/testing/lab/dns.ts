import { parsePart } from '../../core/config/issues.ts'
import { type DnsDefectInput, dnsDefect } from '../../core/config/schema/dns.ts'
import type { LabDns } from '../../lab/dns/lab-dns.ts'
import type { NameService } from '../../transport/dns/name-service.ts'
import { Call } from '../calls/call.ts'

/** Something in the DNS of the lab that a test added. */
export interface AddedDns extends Disposable {
  /** Removes it. */
  remove(): void
}

/** A query that the DNS server of the lab has received. */
export interface DnsQuery {
  /** Milliseconds since the epoch, by the lab's clock. */
  readonly at: number
  /** In lower case, without a period at the end. */
  readonly name: string
  readonly type: string
  /** The address of the client; `lab` for the lab itself. */
  readonly client: string
  readonly protocol: 'udp' | 'tcp'
  /** The response code; `none` if there was no answer. */
  readonly rcode: string
  readonly dnssecOk: boolean
}

/** The DNS of a lab: `lab.dns.add('www.lab.test A 127.0.0.1')`, `lab.dns.addDefect('wrong-mx')`. */
export class TestDns {
  readonly #dns: LabDns
  readonly #domain: () => string

  constructor(dns: LabDns, domain: () => string) {
    this.#dns = dns
    this.#domain = domain
  }

  /** Address and port of the server. @throws Error if the configuration has no `dns` */
  get endpoint(): { readonly address: string; readonly port: number } {
    const found = this.#dns.endpoint
    if (!found) throw new Error(NO_DNS)
    return found
  }

  /** The address in the form that `dns.Resolver.setServers()` takes: `127.0.0.1:5353`. */
  get server(): string {
    const { address, port } = this.endpoint
    return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
  }

  /**
   * Adds a record as a line of a zone file: `_acme-challenge.lab.test 60 IN TXT "token"`. `lab.reset()` removes it.
   * @throws Error if the line cannot be read, or no zone of the lab has the name
   */
  add(record: string): AddedDns {
    const call = new Call('dns.add', TestDns.prototype.add)
    return this.#added(
      call,
      (names) => names.addRecord(record),
      (names, id) => names.removeRecord(id),
    )
  }

  /**
   * Adds a deliberate defect to a zone: `'wrong-mx'`, or `{ defect: 'slow', delay: '2s', name: 'mail.lab.test' }`. `lab.reset()`
   * removes the defect.
   * @param zone default: the mail domain of the lab
   * @throws ConfigError listing every mistake in it; Error if the lab has no such zone
   */
  addDefect(defect: DnsDefectInput, zone: string = this.#domain()): AddedDns {
    const call = new Call('dns.addDefect', TestDns.prototype.addDefect)
    return this.#added(
      call,
      (names) => names.addDefect(zone, parsePart(dnsDefect, defect)),
      (names, id) => names.removeDefect(id),
    )
  }

  /** Returns the latest queries, the newest first. */
  queries(): readonly DnsQuery[] {
    return this.#names.recent
  }

  /** Returns a zone as the text of a zone file; with its signatures if it is signed. @param zone default: the mail domain */
  zoneFile(zone: string = this.#domain()): string {
    return this.#names.zoneText(zone)
  }

  /** Returns the DS record of a signed zone, as a trust anchor for resolvers. @param zone default: the mail domain */
  trustAnchor(zone: string = this.#domain()): string {
    return this.#names.trustAnchor(zone)
  }

  get #names(): NameService {
    const { names } = this.#dns
    if (!names) throw new Error(NO_DNS)
    return names
  }

  #added(
    call: Call,
    add: (names: NameService) => { readonly id: string },
    removeFrom: (names: NameService, id: string) => unknown,
  ): AddedDns {
    try {
      const names = this.#names
      const { id } = add(names)
      const remove = (): void => void removeFrom(names, id)
      return { remove, [Symbol.dispose]: remove }
    } catch (error) {
      throw call.at(error as Error)
    }
  }
}

const NO_DNS = 'the lab has no DNS server: add dns: { port: 0 } to its configuration'

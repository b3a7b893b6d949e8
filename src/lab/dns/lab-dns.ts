import type { Logger } from 'pino'
import type { ResolvedLab } from '../../core/config/resolve.ts'
import type { Clock } from '../../core/time/clock.ts'
import { keptText, type StoreFiles } from '../../tls/pki/certificate-store/files.ts'
import { DnsError } from '../../transport/dns/errors.ts'
import type { NameService } from '../../transport/dns/name-service.ts'
import type { Resolver } from '../../transport/dns/resolver.ts'
import type { DnsServer } from '../../transport/dns/server/dns-server.ts'
import { dnsFacts, type RunningServer } from './facts.ts'
import { readZones } from './zones.ts'

/** A TXT record of another part of the lab. */
interface TextRecord {
  readonly name: string
  readonly text: string
}

interface LabDnsOptions {
  readonly config: () => ResolvedLab
  readonly servers: () => readonly RunningServer[]
  /** Returns the TXT records of other parts of the lab: keys of DKIM, the MTA-STS policy. */
  readonly textRecords: (config: ResolvedLab) => Promise<readonly TextRecord[]>
  readonly files: StoreFiles
  readonly clock: Clock
  readonly log: Logger
  readonly isBackground: boolean
}

/** The key of all signed zones, in the certificate store. */
const KEY_FILE = 'dns/key.pem'

/** The DNS side of a running lab. Loaded when a configuration has the key `dns`. */
export class LabDns implements AsyncDisposable {
  readonly #options: LabDnsOptions
  #names: NameService | undefined
  #server: DnsServer | undefined
  #place = ''

  constructor(options: LabDnsOptions) {
    this.#options = options
  }

  /** The zones of the lab; undefined if the configuration has no DNS. */
  get names(): NameService | undefined {
    return this.#names
  }

  /** Looks up records in the zones of the lab; undefined if the configuration has no DNS. */
  get resolver(): Resolver | undefined {
    return this.#names?.resolver
  }

  /** Address and port of the server; undefined if the configuration has no DNS. */
  get endpoint(): { readonly address: string; readonly port: number } | undefined {
    const { dns } = this.#options.config()
    return this.#server && dns && { address: dns.address, port: this.#server.port }
  }

  /** `ADDRESS:PORT` of the server, as the configuration names the address. */
  get ports(): readonly string[] {
    const { endpoint } = this
    return endpoint ? [`${endpoint.address}:${endpoint.port}`] : []
  }

  /** Opens, changes or closes the server to match a configuration. @throws Error that names the mistake, DnsListenError */
  async serve(lab: ResolvedLab): Promise<void> {
    const { dns } = lab
    if (dns === undefined) return this.#close()
    const { zones: written, mistakes } = await readZones(dns)
    const [mistake] = mistakes
    if (mistake) throw new Error(`${mistake.path.join('.')}: ${mistake.message}`)
    const { textRecord } = await import('../../transport/dns/records.ts')
    const ttlSeconds = Math.floor(dns.ttl / 1000)
    const texts = await this.#options.textRecords(lab)
    const provided = texts.map(({ name, text }) => textRecord(name.toLowerCase(), ttlSeconds, text))
    const settings = { config: dns, written, provided }
    if (this.#names) this.#names.configure(settings)
    else {
      const [{ NameService }, { ZoneKey }] = await Promise.all([
        import('../../transport/dns/name-service.ts'),
        import('../../transport/dns/dnssec/key.ts'),
      ])
      this.#names = new NameService(settings, {
        clock: this.#options.clock,
        key: new ZoneKey(await keptText(this.#options.files, KEY_FILE, ZoneKey.generate)),
        facts: () => dnsFacts(this.#options.config(), this.#options.servers()),
        onQuery: (query) => this.#options.log.debug({ ...query }, 'DNS query'),
      })
    }
    await this.#listen(dns)
  }

  /** Lets the zones follow a change of certificates or ports. */
  refresh(): void {
    this.#names?.refresh()
  }

  /** Forgets the records and defects that were added. */
  reset(): void {
    this.#names?.reset()
  }

  /** Returns the TXT records of a name, for the validation of dns-01. @throws DnsError */
  async texts(name: string): Promise<readonly string[]> {
    try {
      return (await this.resolver?.txt(name))?.records ?? []
    } catch (error) {
      if (error instanceof DnsError && error.isPermanent) return []
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close()
  }

  async #listen({ address, port }: NonNullable<ResolvedLab['dns']>): Promise<void> {
    const place = `${address}:${port}`
    if (this.#server && place === this.#place) return
    await this.#server?.[Symbol.asyncDispose]()
    this.#server = undefined
    const { DnsServer } = await import('../../transport/dns/server/dns-server.ts')
    this.#server = await DnsServer.open({
      address: address === 'localhost' ? '127.0.0.1' : address,
      port,
      isBackground: this.#options.isBackground,
      respond: async (query, source) => (await this.#names?.respond(query, source)) ?? [],
      onError: (err) => this.#options.log.error({ err }, 'the DNS server failed'),
    })
    this.#place = place
  }

  async #close(): Promise<void> {
    this.#names?.stop()
    this.#names = undefined
    await this.#server?.[Symbol.asyncDispose]()
    this.#server = undefined
  }
}

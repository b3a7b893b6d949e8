import type { Logger } from 'pino'
import type { OAuth2 } from '../../accounts/oauth2/oauth2.ts'
import type { ResolvedLab } from '../../core/config/resolve.ts'
import type { Clock } from '../../core/time/clock.ts'
import { readOrCreate, type StoreFiles } from '../../tls/pki/certificate-store/files.ts'
import { PkiError } from '../../tls/pki/errors.ts'
import type { ZoneKey } from '../../transport/dns/dnssec/key.ts'
import { DnsError } from '../../transport/dns/errors.ts'
import type { NameService } from '../../transport/dns/name-service.ts'
import type { Resolver } from '../../transport/dns/resolver.ts'
import type { DnsServer } from '../../transport/dns/server/dns-server.ts'
import type { MailAuthentication } from '../../transport/mail-authentication/mail-authentication.ts'
import type { VirtualServerStatus, VirtualServers } from '../virtual-servers/virtual-servers.ts'
import { dnsFacts, policyTexts, type RunningServer } from './facts.ts'
import { readZones } from './zones.ts'

/** The parts of a lab that its DNS publishes. */
interface DnsServices {
  readonly oauth2: Pick<OAuth2, 'settings'>
  readonly config: ResolvedLab
  readonly virtualServers: VirtualServers
  /** Provides the records with the keys of DKIM and ARC. */
  readonly mailAuthentication: Pick<MailAuthentication, 'keyRecords'>
  readonly certificateStore: { readonly files: StoreFiles }
  readonly clock: Clock
  readonly log: Logger
  readonly isBackground: boolean
  endpoints(): readonly VirtualServerStatus[]
}

/** The key of all signed zones, in the certificate store. */
const KEY_FILE = 'dns/key.pem'

/** Opens the key of all signed zones, or makes it. @throws PkiError `store` if the file is damaged */
async function openZoneKey(files: StoreFiles): Promise<ZoneKey> {
  const { ZoneKey } = await import('../../transport/dns/dnssec/key.ts')
  const pem = await readOrCreate(files, KEY_FILE, ZoneKey.generate)
  try {
    return new ZoneKey(pem)
  } catch (cause) {
    throw new PkiError(
      'store',
      `${files.place}/${KEY_FILE} is damaged: it is not a private key of P-256 in PEM. Restore a backup with \`sealpost store restore DIR\`, or delete the file: the lab makes a new key, and its zones get other DS records`,
      { cause },
    )
  }
}

/** The DNS side of a running lab. Loaded when a configuration has the key `dns`. */
export class LabDns implements AsyncDisposable {
  readonly #lab: DnsServices
  #names: NameService | undefined
  #server: DnsServer | undefined
  #place = ''

  constructor(lab: DnsServices) {
    this.#lab = lab
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
    const { dns } = this.#lab.config
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
    const texts = [...policyTexts(lab), ...(await this.#lab.mailAuthentication.keyRecords())]
    const provided = texts.map(({ name, text }) => textRecord(name.toLowerCase(), ttlSeconds, text))
    const settings = { config: dns, written, provided }
    if (this.#names) this.#names.configure(settings)
    else {
      const { NameService } = await import('../../transport/dns/name-service.ts')
      this.#names = new NameService(settings, {
        clock: this.#lab.clock,
        key: await openZoneKey(this.#lab.certificateStore.files),
        facts: () => dnsFacts(this.#lab.config, this.#runningServers(), this.#lab.oauth2.settings.issuer),
        onQuery: (query) => this.#lab.log.debug({ ...query }, 'DNS query'),
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

  #runningServers(): RunningServer[] {
    const { virtualServers, config } = this.#lab
    const withoutJmap = new Set(config.virtualServers.flatMap(({ name, jmap }) => (jmap === 'off' ? [name] : [])))
    return this.#lab.endpoints().map(({ virtualServer, protocol, port, tlsPort }) => ({
      protocol,
      port,
      tlsPort,
      hasJmap: protocol === 'http' && !withoutJmap.has(virtualServer),
      certificates: virtualServers.certificatesOf(virtualServer),
    }))
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
      isBackground: this.#lab.isBackground,
      respond: async (query, source) => (await this.#names?.respond(query, source)) ?? [],
      onError: (err) => this.#lab.log.error({ err }, 'the DNS server failed'),
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

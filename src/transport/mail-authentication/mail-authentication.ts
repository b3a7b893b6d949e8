import type { BimiConfig, MailAuthenticationConfig } from '../../core/config/schema/mail-authentication.ts'
import type { NamedHosts } from '../../core/network/allowed-hosts.ts'
import { joinPieces, type Pieces } from '../../core/octets/pieces.ts'
import type { Clock } from '../../core/time/clock.ts'
import { runInSlices } from '../../core/time/time-slice.ts'
import type { MessageAuthentication } from '../../mail/format/authentication-results.ts'
import { rootsOf } from '../../tls/pki/authority/exported-roots.ts'
import type { CertificateStore } from '../../tls/pki/certificate-store/types.ts'
import type { Resolver } from '../dns/resolver.ts'
import { BimiFailure } from './bimi/failure.ts'
import type { IndicatorRules } from './bimi/indicator.ts'
import { checkMessage, withoutChecks } from './check.ts'
import type { SenderFacts } from './check-spf.ts'
import { type NameLookup, nameLookup } from './names.ts'
import { resultFields, resultLines, withoutForgedResults } from './results-fields.ts'
import { sealFields } from './seal.ts'
import { type KeyRecord, Signing } from './signing.ts'
import { MAX_HEADER_OCTETS, type MessageOctets, type SplitMessage, splitMessage } from './split-message.ts'

/** The parts of a lab that mail authentication needs. */
interface MailAuthenticationServices {
  /** The current configuration. */
  readonly config: NamedHosts & {
    readonly hostname: string
    readonly mail: { readonly authentication: MailAuthenticationConfig }
  }
  /** Looks up names in the zones of the lab. Without DNS, there is no resolver. */
  readonly dns: { readonly resolver: Resolver | undefined }
  /** Keeps generated keys, and knows which mark certificates count. */
  readonly certificateStore: CertificateStore
  readonly clock: Clock
}

/** The sender of a message that leaves the lab again, with the results of its arrival. */
interface ArrivedSender extends SenderFacts {
  readonly authentication?: MessageAuthentication | undefined
}

/** A message that was checked before it was accepted or refused. */
export interface JudgedMessage {
  readonly results: MessageAuthentication
  readonly sender: SenderFacts
  readonly recipients: readonly string[]
  /** Whether the lab refuses the message because of its results. */
  readonly isRefused: boolean
  /** All of it, or its header and more. */
  readonly message: Pieces
}

/** Longest time for the lookups of one message, for zones that are slow on purpose. */
const LOOKUPS_MS = 20_000

/** SPF, DKIM, DMARC, ARC and BIMI of a lab: checks mail that arrives, and signs mail that leaves. */
export class MailAuthentication {
  readonly #services: MailAuthenticationServices
  readonly #signing: Signing
  /** Gets each message that was checked on arrival. */
  onJudged: (judged: JudgedMessage) => Promise<void> = async () => {}

  constructor(services: MailAuthenticationServices) {
    this.#services = services
    this.#signing = new Signing({
      config: () => this.#config,
      files: services.certificateStore.files,
      clock: services.clock,
    })
  }

  get #config(): MailAuthenticationConfig {
    return this.#services.config.mail.authentication
  }

  /** Whether messages are checked before SMTP accepts them. */
  get isOnArrival(): boolean {
    return this.#config.check === 'on-arrival'
  }

  /** The treatment of messages that fail, by SMTP. */
  get onFailure(): MailAuthenticationConfig['onFailure'] {
    return this.#config.onFailure
  }

  /** Forgets keys, after a reload of the configuration. */
  forget(): void {
    this.#signing.keys.forget()
  }

  /** Returns the TXT records with the public keys of the lab. @throws PkiError if a key cannot be read or written */
  keyRecords(): Promise<KeyRecord[]> {
    return this.#signing.records()
  }

  /**
   * Returns the header fields to put before a message that leaves the lab: signatures of its author's domain, or a seal for
   * a message of another domain that came by SMTP. Empty if nothing signs it.
   * @throws PkiError if a key cannot be read or written
   */
  async signOutgoing(octets: MessageOctets, sender?: ArrivedSender): Promise<Buffer> {
    const nothing = Buffer.alloc(0)
    if (!this.#signing.isUsed) return nothing
    const message = await splitMessage(octets)
    if (!message) return nothing
    const signatures = await this.#signing.dkim(message)
    if (signatures.length > 0 || !sender?.client) return signatures
    const sealer = await this.#signing.sealer()
    const results = sealer && (sender.authentication ?? (await this.#check(message, sender)))
    if (!results) return nothing
    const fields = await sealFields(message, {
      ...sealer,
      // As octets: an address of SMTPUTF8 can be in the results. RFC 8616 section 6
      results: Buffer.from(`${this.#authservId};\r\n\t${resultLines(results, sender)}`).toString('latin1'),
      chain: results.arc,
      at: this.#services.clock.now(),
    })
    return Buffer.from(fields ?? '', 'latin1')
  }

  /** Checks a message by SPF, DKIM, DMARC, ARC and BIMI, with records that the lab knows. Returns undefined if checks are off. */
  async check(octets: MessageOctets, sender: SenderFacts): Promise<MessageAuthentication | undefined> {
    if (this.#config.check === 'off') return undefined
    const message = await splitMessage(octets)
    if (!message) return withoutChecks(sender, 'permerror', `the header has more than ${MAX_HEADER_OCTETS} octets`)
    return this.#check(message, sender)
  }

  #check(message: SplitMessage, sender: SenderFacts): Promise<MessageAuthentication> {
    const { dmarc, minimumKeyBits, bimi } = this.#config
    const names = this.names()
    return checkMessage(message, sender, names, {
      hostname: this.#services.config.hostname,
      dmarc,
      minimumKeyBits,
      bimi: bimi && (() => this.#indicatorRules(bimi, names)),
      at: this.#services.clock.now(),
    })
  }

  /** Returns how logos are fetched and checked. @throws BimiFailure if the authority of the configuration does not exist */
  async #indicatorRules({ authority, evidence }: BimiConfig, lookUp: NameLookup): Promise<IndicatorRules> {
    const { config: hosts, certificateStore: store } = this.#services
    const roots = await rootsOf(store, authority).catch((error: Error) => {
      throw new BimiFailure(`the authority of \`bimi\` cannot be used: ${error.message}`, 'temperror', { cause: error })
    })
    return {
      fetching: { lookUp, hosts, roots: [store.rootPem, ...roots] },
      trust: { store, roots, nowMs: this.#services.clock.now() },
      needsEvidence: evidence === 'required',
    }
  }

  /** Returns lookups in the records of the configuration, the keys and the zones of the lab. They are for a short while only. */
  names(): NameLookup {
    const { records } = this.#config
    let keys: Promise<KeyRecord[]> | undefined
    return nameLookup({
      records,
      resolver: this.#services.dns.resolver,
      keys: () => {
        keys ??= this.keyRecords()
        return keys
      },
      signal: AbortSignal.timeout(LOOKUPS_MS),
    })
  }

  /** Returns the trace fields with the results of a message, in front of it; empty if they are not added. */
  resultFields(results: MessageAuthentication, sender: SenderFacts): string {
    return this.#config.addResults ? resultFields(this.#authservId, results, sender) : ''
  }

  /**
   * Removes results and logos from a message that claim to come from this lab. RFC 8601 section 5,
   * draft-brand-indicators-for-message-identification-12 section 8.8. @param message with the whole header
   */
  async withoutForgedResults(message: Pieces): Promise<Pieces> {
    const { addResults, bimi } = this.#config
    if (!addResults && !bimi) return message
    return runInSlices(withoutForgedResults(joinPieces(message), addResults ? this.#authservId : undefined))
  }

  get #authservId(): string {
    return this.#config.authservId ?? this.#services.config.hostname
  }
}

import type { Clock } from '../common/clock.ts'
import type { MailAuthenticationConfig } from '../config/schema/mail-authentication.ts'
import type { KeyFiles } from './keys.ts'
import { type KeyRecord, Signing } from './signing.ts'
import { type MessageOctets, splitMessage } from './split-message.ts'

/** The current configuration, as far as it is about authentication. */
export interface MailAuthenticationSource {
  readonly hostname: string
  readonly mailAuthentication: MailAuthenticationConfig
}

export interface MailAuthenticationSite {
  /** Returns the current configuration. */
  readonly source: () => MailAuthenticationSource
  /** Where generated keys are kept. */
  readonly files: KeyFiles
  readonly clock: Clock
}

/** SPF, DKIM, DMARC, ARC and BIMI of a lab: checks mail that arrives, and signs mail that leaves. */
export class MailAuthentication {
  readonly #signing: Signing

  constructor({ source, files, clock }: MailAuthenticationSite) {
    this.#signing = new Signing({ config: () => source().mailAuthentication, files, clock })
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
   * Returns the header fields to put before a message that leaves the lab: signatures of its author's domain. Empty if
   * nothing signs it.
   * @throws PkiError if a key cannot be read or written
   */
  async signOutgoing(octets: MessageOctets): Promise<Buffer> {
    if (!this.#signing.isUsed) return Buffer.alloc(0)
    const message = await splitMessage(octets)
    return message ? this.#signing.dkim(message) : Buffer.alloc(0)
  }
}

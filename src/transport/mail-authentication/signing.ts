import type { DkimKeyConfig, MailAuthenticationConfig } from '../../core/config/schema/mail-authentication.ts'
import type { Clock } from '../../core/time/clock.ts'
import { isWithin } from '../dns/names.ts'
import { asciiDomain, authorDomains } from './author.ts'
import { arcKey, dkimKey, type KeyFiles, keyRecord, SigningKeys } from './keys.ts'
import type { Sealing } from './seal.ts'
import { dkimSignatures } from './sign.ts'
import type { SplitMessage } from './split-message.ts'

/** A TXT record with a public key. */
export interface KeyRecord {
  /** Without a period at the end: `sealpost._domainkey.lab.test`. */
  readonly name: string
  readonly text: string
  readonly purpose: 'dkim' | 'arc'
  readonly domain: string
  readonly selector: string
}

/** The parts of the lab that signing needs. */
interface SigningServices {
  /** The current configuration. */
  readonly config: () => Pick<MailAuthenticationConfig, 'dkim' | 'arc'>
  readonly files: KeyFiles
  readonly clock: Clock
}

/** Signs mail that leaves the lab, and knows the records with the keys. */
export class Signing {
  readonly keys: SigningKeys
  readonly #services: SigningServices

  constructor(services: SigningServices) {
    this.#services = services
    this.keys = new SigningKeys(services.files)
  }

  /** Whether any mail of the lab is signed or sealed. */
  get isUsed(): boolean {
    const { dkim, arc } = this.#services.config()
    return dkim.length > 0 || arc !== undefined
  }

  /** Returns the DKIM-Signature fields for a message, to put before it. Empty: its author domain has no key. @throws PkiError */
  async dkim(message: SplitMessage): Promise<Buffer> {
    const configs = this.#keysFor(authorDomains(message.fields))
    if (configs.length === 0) return Buffer.alloc(0)
    const signers = await Promise.all(
      configs.map(async (config) => ({ config, key: await this.keys.of(dkimKey(config)) })),
    )
    return Buffer.from((await dkimSignatures(message, signers, this.#services.clock.now())).join(''), 'latin1')
  }

  /** Returns the key that seals mail of other domains; undefined if no mail is sealed. @throws PkiError */
  async sealer(): Promise<Pick<Sealing, 'domain' | 'selector' | 'key'> | undefined> {
    const { arc } = this.#services.config()
    if (!arc) return undefined
    return { domain: asciiDomain(arc.domain), selector: arc.selector, key: await this.keys.of(arcKey(arc)) }
  }

  /** Returns the TXT records with the public keys, as DNS serves them. @throws PkiError */
  async records(): Promise<KeyRecord[]> {
    const { dkim, arc } = this.#services.config()
    const wanted = [
      ...dkim.flatMap((config) =>
        config.defect === 'no-key' ? [] : [{ purpose: 'dkim' as const, named: dkimKey(config), defect: config.defect }],
      ),
      ...(arc ? [{ purpose: 'arc' as const, named: arcKey(arc), defect: undefined }] : []),
    ]
    return Promise.all(
      wanted.map(async ({ purpose, named, defect }) => {
        const domain = asciiDomain(named.domain)
        const text = keyRecord(await this.keys.of(named))
        return {
          name: `${named.selector}._domainkey.${domain}`,
          // An empty value revokes the key. RFC 6376 section 3.6.1
          text: defect === 'revoked-key' ? text.replace(/p=.*$/, 'p=') : text,
          purpose,
          domain,
          selector: named.selector,
        }
      }),
    )
  }

  /** Returns the keys of the domain of the author, or of the nearest one above it. */
  #keysFor([domain, ...others]: readonly string[]): readonly DkimKeyConfig[] {
    if (domain === undefined || others.length > 0) return []
    const fitting = this.#services
      .config()
      .dkim.map((config) => ({ ...config, domain: asciiDomain(config.domain) }))
      .filter((config) => isWithin(domain, config.domain))
    const longest = Math.max(...fitting.map((config) => config.domain.length))
    return fitting.filter((config) => config.domain.length === longest)
  }
}

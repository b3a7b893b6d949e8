import type { Clock } from '../../core/time/clock.ts'
import { PolicyFetchError } from './fetch.ts'
import { type MtaStsPolicy, MtaStsPolicyError } from './policy.ts'
import { idInRecords } from './record.ts'

/** Keeps texts by key: the state of the message store. */
interface PolicyMemory {
  getState(key: string): Promise<string | undefined>
  setState(key: string, value: string | undefined): Promise<void>
}

/** How the policy of a domain is found. */
export interface PolicyLookup {
  /** Returns the TXT records of a name; empty if the name has none. Rejects if that is not known. */
  readonly txt: (name: string) => Promise<readonly string[]>
  /** @throws PolicyFetchError */
  readonly fetch: (domain: string) => Promise<MtaStsPolicy>
}

/** The policy that holds for a domain, and what went wrong when it was looked for. */
export interface FoundPolicy {
  /** Absent: the domain has none that holds. */
  readonly policy?: MtaStsPolicy
  readonly failure?: PolicyFetchError
}

interface KeptPolicy {
  readonly id: string
  readonly policy: MtaStsPolicy
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** The domains whose policies are kept. */
const DOMAINS_KEY = 'mta-sts-domains'
/** Most policies that are fetched again. */
const MAX_DOMAINS = 1000

const policyKey = (domain: string): string => `mta-sts\n${domain}`

/** The MTA-STS policies of other domains. They are kept for their max_age, also over restarts of a durable store. */
export class Policies {
  readonly #memory: PolicyMemory
  readonly #clock: Clock

  constructor(memory: PolicyMemory, clock: Clock) {
    this.#memory = memory
    this.#clock = clock
  }

  /** Returns the policy of a domain: the kept one as long as its record has not changed. RFC 8461 section 5.1. */
  async find(domain: string, lookup: PolicyLookup): Promise<FoundPolicy> {
    const kept = await this.#kept(domain)
    const held = kept ? { policy: kept.policy } : {}
    let id: string | undefined
    try {
      id = idInRecords(await lookup.txt(`_mta-sts.${domain}`))
    } catch (error) {
      // A policy that was kept holds until it expires, whatever happens to the record. RFC 8461 section 3.1
      if (error instanceof MtaStsPolicyError && !kept) return {}
      return held
    }
    if (id === undefined || id === kept?.id) return held
    try {
      const policy = await lookup.fetch(domain)
      await this.#keep(domain, { id, policy, expiresAt: this.#clock.now() + policy.maxAgeSeconds * 1000 })
      return { policy }
    } catch (error) {
      if (!(error instanceof PolicyFetchError)) throw error
      // RFC 8461 section 5.1: without a kept policy, mail is delivered as if there were none.
      return { ...held, failure: error }
    }
  }

  /** Returns the policy of a domain that is kept, whatever its record says. */
  async held(domain: string): Promise<MtaStsPolicy | undefined> {
    return (await this.#kept(domain))?.policy
  }

  /**
   * Fetches the kept policies again, so that they do not expire while their domains keep them. RFC 8461 section 3.3.
   * @param lookupOf returns how the policy of a domain is found; undefined: it is not fetched
   */
  async refresh(lookupOf: (domain: string) => Promise<PolicyLookup | undefined>): Promise<void> {
    for (const domain of await this.#domains()) {
      const kept = await this.#kept(domain)
      const lookup = kept && (await lookupOf(domain))
      if (kept === undefined) await this.#forget(domain)
      else if (lookup) await this.#fetchAgain(domain, kept.id, lookup)
    }
  }

  /** A failure changes nothing: the kept policy holds until it expires. RFC 8461 section 5.1 */
  async #fetchAgain(domain: string, keptId: string, lookup: PolicyLookup): Promise<void> {
    const id = await lookup
      .txt(`_mta-sts.${domain}`)
      .then(idInRecords)
      .catch(() => undefined)
    try {
      const policy = await lookup.fetch(domain)
      const expiresAt = this.#clock.now() + policy.maxAgeSeconds * 1000
      await this.#keep(domain, { id: id ?? keptId, policy, expiresAt })
    } catch (error) {
      if (!(error instanceof PolicyFetchError)) throw error
    }
  }

  async #domains(): Promise<readonly string[]> {
    return JSON.parse((await this.#memory.getState(DOMAINS_KEY)) ?? '[]') as readonly string[]
  }

  async #forget(domain: string): Promise<void> {
    const left = (await this.#domains()).filter((one) => one !== domain)
    await this.#memory.setState(DOMAINS_KEY, JSON.stringify(left))
    await this.#memory.setState(policyKey(domain), undefined)
  }

  async #kept(domain: string): Promise<KeptPolicy | undefined> {
    const text = await this.#memory.getState(policyKey(domain))
    if (text === undefined) return undefined
    const kept = JSON.parse(text) as KeptPolicy
    return kept.expiresAt > this.#clock.now() ? kept : undefined
  }

  async #keep(domain: string, kept: KeptPolicy): Promise<void> {
    await this.#memory.setState(policyKey(domain), JSON.stringify(kept))
    const domains = await this.#domains()
    if (domains.includes(domain) || domains.length >= MAX_DOMAINS) return
    await this.#memory.setState(DOMAINS_KEY, JSON.stringify([...domains, domain]))
  }
}

import { isIPv6 } from 'node:net'
import { AddressList } from '../../../core/network/address-list.ts'
import { addressOctets, addressText } from '../../../core/network/ip-address.ts'
import { isWithin, nameProblem, normalName, reverseName } from '../../dns/names.ts'
import { type AskedType, LookupError, type NameLookup } from '../names.ts'
import { expandMacros } from './macros.ts'
import { type Mechanism, parseRecord, type Qualified, SpfError } from './record.ts'

/** The arguments of check_host(), and the values of macros. RFC 7208 sections 4.1 and 7.2. */
interface SpfQuery {
  /** The address of the client; IPv4 not in IPv6 form. */
  readonly address: string
  /** The domain whose record counts. */
  readonly domain: string
  /** The sender's address, with a local part. */
  readonly sender: string
  readonly helo: string
  /** The host that received the message. */
  readonly receiver: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** The result of check_host(). RFC 7208 section 2.6. */
export interface SpfEvaluation {
  readonly result: Qualified | 'none' | 'permerror' | 'temperror'
  /** The record of the domain. */
  readonly record: string | undefined
  /** The cause of an error. */
  readonly problem?: string
  /** The domain's text for a client that fails. RFC 7208 section 6.2. */
  readonly explanation?: string | undefined
}

/** Evaluates the SPF record of a domain: check_host() of RFC 7208 section 4. */
export async function checkHost(query: SpfQuery, lookUp: NameLookup): Promise<SpfEvaluation> {
  const evaluation = new Evaluation(query, lookUp)
  try {
    const { result, explain } = await evaluation.check(query.domain)
    const explanation = result === 'fail' ? await explain?.() : undefined
    return { result, record: evaluation.record, explanation }
  } catch (error) {
    if (!(error instanceof SpfError)) throw error
    return { result: error.result, record: evaluation.record, problem: error.message }
  }
}

/** The terms that look something up, the hosts of a domain's MX records, and the names of an address that count. RFC 7208 section 4.6.4. */
const MAX_LOOKUPS = 10
/** Lookups without an answer. RFC 7208 section 4.6.4. */
const MAX_VOID_LOOKUPS = 2
/** RFC 7208 section 7.3. */
const MAX_NAME_OCTETS = 253

interface Outcome {
  readonly result: Qualified | 'none'
  readonly explain?: () => Promise<string | undefined>
}

const permanentError = (reason: string): SpfError => new SpfError('permerror', reason)

class Evaluation {
  /** The record of the first domain. */
  record: string | undefined
  readonly #query: SpfQuery
  readonly #lookUp: NameLookup
  readonly #addressType: 'A' | 'AAAA'
  #terms = 0
  #voidLookups = 0

  constructor(query: SpfQuery, lookUp: NameLookup) {
    this.#query = query
    this.#lookUp = lookUp
    this.#addressType = isIPv6(query.address) ? 'AAAA' : 'A'
  }

  /** Evaluates the record of a domain. @throws SpfError */
  async check(domain: string): Promise<Outcome> {
    const text = await this.#recordOf(domain)
    if (text === undefined) return { result: 'none' }
    this.record ??= text
    const { mechanisms, redirect, exp } = parseRecord(text)
    const explain = exp === undefined ? {} : { explain: () => this.#explanation(exp, domain) }
    for (const mechanism of mechanisms) {
      if (await this.#matches(mechanism, domain)) return { result: mechanism.result, ...explain }
    }
    if (redirect === undefined) return { result: 'neutral' } // RFC 7208 section 4.7
    this.#countTerm()
    const target = await this.#target(redirect, domain)
    const outcome = await this.check(target)
    if (outcome.result === 'none') throw permanentError(`no SPF record of ${target}`) // RFC 7208 section 6.1
    return outcome
  }

  /** Returns the SPF record of a domain. RFC 7208 sections 4.3 to 4.5. @throws SpfError */
  async #recordOf(domain: string): Promise<string | undefined> {
    if (!domain.includes('.')) return undefined
    const [record, ...others] = (await this.#answers(domain, 'TXT')).filter((text) => /^v=spf1(?: |$)/i.test(text))
    if (others.length > 0) throw permanentError(`${domain} has several SPF records`)
    return record
  }

  async #matches({ name, domainSpec, address, ip4Prefix, ip6Prefix }: Mechanism, domain: string): Promise<boolean> {
    const includesClient = (addresses: readonly string[]): boolean =>
      addresses.some((one) => isWithinNetwork(this.#query.address, one, ip4Prefix, ip6Prefix))
    if (name === 'all') return true
    if (address !== undefined) return includesClient([address])
    this.#countTerm()
    const target = domainSpec === undefined ? domain : await this.#target(domainSpec, domain)
    switch (name) {
      case 'include':
        return this.#isIncluded(target)
      case 'a':
        return includesClient(await this.#counted(target, this.#addressType))
      case 'mx': {
        const hosts = (await this.#counted(target, 'MX')).filter((host) => host !== '')
        if (hosts.length > MAX_LOOKUPS) throw permanentError(`${target} has more than ${MAX_LOOKUPS} MX records`)
        for (const host of hosts) {
          if (includesClient(await this.#counted(host, this.#addressType))) return true
        }
        return false
      }
      case 'ptr':
        return (await this.#clientNames()).some((one) => isWithin(one, normalName(target))) // RFC 7208 section 5.5
      default:
        return (await this.#counted(target, 'A')).length > 0 // RFC 7208 section 5.7
    }
  }

  /** RFC 7208 section 5.2. */
  async #isIncluded(target: string): Promise<boolean> {
    const { result } = await this.check(target)
    if (result === 'none') throw permanentError(`no SPF record of ${target}`)
    return result === 'pass'
  }

  /** Returns the names of the client's address that have this address. A failed lookup gives no name. RFC 7208 section 5.5. */
  async #clientNames(): Promise<string[]> {
    const { address } = this.#query
    const found: string[] = []
    const names = await this.#counted(reverseName(address), 'PTR').catch(noneIfTemporary)
    for (const name of names.slice(0, MAX_LOOKUPS)) {
      const addresses = await this.#answers(name, this.#addressType).catch(noneIfTemporary)
      if (addresses.some((one) => isWithinNetwork(address, one))) found.push(normalName(name))
    }
    return found
  }

  /** Returns the text at the name in `exp=`; undefined if it cannot be used. RFC 7208 section 6.2. */
  async #explanation(domainSpec: string, domain: string): Promise<string | undefined> {
    try {
      const [text = '', ...others] = await this.#answers(await this.#target(domainSpec, domain), 'TXT')
      return others.length === 0 && /^[ -~]+$/.test(text) ? await this.#expanded(text, domain) : undefined
    } catch (error) {
      if (error instanceof SpfError) return undefined
      throw error
    }
  }

  /** Returns the name that a domain-spec stands for. RFC 7208 section 7.3. */
  async #target(domainSpec: string, domain: string): Promise<string> {
    let name = ((await this.#expanded(domainSpec, domain)) ?? '').replace(/\.$/, '')
    // A label alone that is too long cannot be shortened: the name is invalid.
    while (name.length > MAX_NAME_OCTETS && name.includes('.')) name = name.slice(name.indexOf('.') + 1)
    return name
  }

  /** Returns a text with the values of its macros. RFC 7208 section 7.2. */
  async #expanded(text: string, domain: string): Promise<string | undefined> {
    const { address, sender, helo, receiver } = this.#query
    const at = sender.lastIndexOf('@')
    const octets = addressOctets(address)
    const values: Readonly<Record<string, string>> = {
      s: sender,
      l: sender.slice(0, at),
      o: sender.slice(at + 1),
      d: domain,
      i: isIPv6(address) ? [...octets.toString('hex').toUpperCase()].join('.') : address,
      p: /%\{p/i.test(text) ? await this.#clientName(domain) : '',
      v: isIPv6(address) ? 'ip6' : 'in-addr',
      h: helo,
      c: addressText(octets),
      r: receiver,
      t: String(Math.floor(this.#query.at / 1000)),
    }
    return expandMacros(text, (letter) => values[letter])
  }

  /** Returns the name of the client: the domain itself, a name below it, or another one. RFC 7208 section 7.3. */
  async #clientName(domain: string): Promise<string> {
    const names = await this.#clientNames()
    const own = normalName(domain)
    return names.find((one) => one === own) ?? names.find((one) => isWithin(one, own)) ?? names[0] ?? 'unknown'
  }

  #countTerm(): void {
    if (++this.#terms > MAX_LOOKUPS) throw permanentError('Too many DNS requests')
  }

  /** Looks up records for a term. RFC 7208 section 4.6.4. @throws SpfError */
  async #counted(name: string, type: AskedType): Promise<readonly string[]> {
    const found = await this.#answers(name, type)
    if (found.length === 0 && ++this.#voidLookups > MAX_VOID_LOOKUPS) throw permanentError('Too many void DNS results')
    return found
  }

  /** Returns records; none for a name that cannot be in DNS. RFC 7208 sections 4.3 and 4.8. @throws SpfError */
  async #answers(name: string, type: AskedType): Promise<readonly string[]> {
    if (nameProblem(name) !== undefined) return []
    try {
      return await this.#lookUp(name, type)
    } catch (error) {
      if (!(error instanceof LookupError)) throw error
      throw new SpfError('temperror', error.message, { cause: error }) // RFC 7208 section 2.6.6
    }
  }
}

/** Returns no records after a lookup that failed. @throws every other error */
function noneIfTemporary(error: unknown): readonly string[] {
  if (error instanceof SpfError && error.result === 'temperror') return []
  throw error
}

/** Returns whether an address is in a network. IPv4 addresses are only in IPv4 networks. RFC 7208 section 5. */
const isWithinNetwork = (address: string, network: string, ip4Prefix = 32, ip6Prefix = 128): boolean =>
  isIPv6(address) === isIPv6(network) &&
  new AddressList([`${network}/${isIPv6(network) ? ip6Prefix : ip4Prefix}`]).has(address)

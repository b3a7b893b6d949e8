import type { DmarcEdition } from '../../core/config/schema/mail-authentication.ts'
import type { NameLookup } from './names.ts'

/** The DMARC records that apply to a domain, and the domain that has them. */
interface FoundRecords {
  readonly domain: string
  readonly records: readonly string[]
}

/** How an edition of DMARC finds records and organizations. */
export interface Discovery {
  /** Returns the organizational domain. @throws LookupError */
  organizationOf(domain: string): Promise<string>
  /** Returns the records for an author domain. @throws LookupError */
  recordsFor(author: string): Promise<FoundRecords>
}

export const discoveries: Readonly<Record<DmarcEdition, (lookUp: NameLookup) => Discovery>> = {
  rfc7489: byPublicSuffix,
  rfc9989: byTreeWalk,
}

/** Returns the DMARC records of one domain. RFC 9989 section 4.7, RFC 7489 section 6.3: `v` comes first, in capitals. */
async function recordsAt(domain: string, lookUp: NameLookup): Promise<string[]> {
  const texts = (await lookUp(`_dmarc.${domain}`, 'TXT')).map((text) => text.trim())
  return texts.filter((text) => /^v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)/.test(text))
}

/** By the public suffix list. RFC 7489 sections 3.2 and 6.6.3. */
function byPublicSuffix(lookUp: NameLookup): Discovery {
  const organizationOf = async (domain: string): Promise<string> => {
    // Such a domain is one, or a public suffix: the list is not needed.
    if (domain.split('.').length <= 2) return domain
    const { getDomain } = await import('tldts')
    return getDomain(domain, { allowPrivateDomains: true, extractHostname: false }) ?? domain
  }
  return {
    organizationOf,
    async recordsFor(author) {
      for (const domain of new Set([author, await organizationOf(author)])) {
        const records = await recordsAt(domain, lookUp)
        if (records.length > 0) return { domain, records }
      }
      return { domain: author, records: [] }
    },
  }
}

/** Queries of one walk. RFC 9989 section 4.10. */
const MAX_QUERIES = 8

/** A domain with exactly one record. */
interface Step {
  readonly domain: string
  readonly record: string
  readonly psd: string | undefined
}

/** By DNS alone. RFC 9989 section 4.10. */
function byTreeWalk(lookUp: NameLookup): Discovery {
  const walks = new Map<string, Promise<readonly Step[]>>()
  const walk = (domain: string): Promise<readonly Step[]> => {
    const known = walks.get(domain) ?? walked(domain, lookUp)
    walks.set(domain, known)
    return known
  }
  const organizationOf = async (domain: string): Promise<string> => organizationIn(await walk(domain), domain)
  return {
    organizationOf,
    async recordsFor(author) {
      const steps = await walk(author)
      const organization = organizationIn(steps, author)
      // RFC 9989 section 4.10.1: the author domain, its organization, then the public suffix above it
      const found =
        steps.find(({ domain }) => domain === author) ??
        steps.find(({ domain }) => domain === organization) ??
        steps.find(({ psd }) => psd === 'y')
      // Several records of one domain are no record. The result says so.
      return found
        ? { domain: found.domain, records: [found.record] }
        : { domain: author, records: await recordsAt(author, lookUp) }
    },
  }
}

async function walked(start: string, lookUp: NameLookup): Promise<readonly Step[]> {
  const labels = start.split('.')
  const above = labels.slice(labels.length > MAX_QUERIES ? 1 - MAX_QUERIES : 1)
  const targets = [start, ...above.map((_, at) => above.slice(at).join('.'))]
  const steps: Step[] = []
  for (const domain of targets) {
    const [record, ...more] = await recordsAt(domain, lookUp)
    if (record === undefined || more.length > 0) continue
    const psd = /;[ \t]*psd[ \t]*=[ \t]*([ny])[ \t]*(?:;|$)/i.exec(record)?.[1]?.toLowerCase()
    steps.push({ domain, record, psd })
    if (psd !== undefined) break
  }
  return steps
}

/** Returns the organizational domain that a walk has found. RFC 9989 section 4.10.2. */
function organizationIn(steps: readonly Step[], start: string): string {
  const last = steps.at(-1)
  if (last?.psd === 'y' && last.domain !== start) {
    return start
      .split('.')
      .slice(-last.domain.split('.').length - 1)
      .join('.')
  }
  // The walk ends at psd=n, or at the record with the fewest labels.
  return last?.domain ?? start
}

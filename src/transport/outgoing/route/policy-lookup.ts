import { DnsError } from '../../dns/errors.ts'
import { lookupAt, type Resolver } from '../../dns/resolver.ts'
import { fetchPolicy } from '../../mta-sts/fetch.ts'
import type { PolicyLookup } from '../../mta-sts/policies.ts'

/** RFC 8461 section 3.3. */
const TIMEOUT_MS = 60_000

/** Returns how the MTA-STS policy of a domain is looked up: at a resolver, and over HTTPS. */
export const policyLookup = (
  resolver: Resolver,
  source: { readonly port: number; readonly roots: readonly string[]; readonly signal: AbortSignal },
): PolicyLookup => ({
  async txt(name) {
    try {
      return (await resolver.txt(name, source.signal)).records
    } catch (error) {
      if (error instanceof DnsError && error.isPermanent) return []
      throw error
    }
  },
  fetch: (domain) =>
    fetchPolicy(domain, { ...source, lookup: lookupAt(resolver, source.signal), timeoutMs: TIMEOUT_MS }),
})

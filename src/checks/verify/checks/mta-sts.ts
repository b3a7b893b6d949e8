import { lookupAt } from '../../../transport/dns/resolver.ts'
import { fetchPolicy, PolicyFetchError } from '../../../transport/mta-sts/fetch.ts'
import { type MtaStsPolicy, MtaStsPolicyError, namesMx } from '../../../transport/mta-sts/policy.ts'
import { idInRecords } from '../../../transport/mta-sts/record.ts'
import { answerTo, resolverAt } from '../dns.ts'
import type { Probe } from '../probe.ts'
import { type DnsServer, NotTested } from '../types.ts'
import { type Check, fail, pass, warn } from './check.ts'

/** Checks that a domain's MTA-STS policy, if there is one, can be read and lists the server. RFC 8461. */
export const mtaSts: Check = {
  name: 'mta-sts',
  title: 'MTA-STS',
  async run(probe) {
    const { endpoint, options } = probe
    if (endpoint.protocol !== 'smtp') throw new NotTested('applies to SMTP')
    const { resolver, mailDomain: domain } = options
    if (!resolver || domain === undefined) throw new NotTested('needs --resolver and --mail-domain')
    if (!(await hasRecord(resolver, domain, options.timeoutMs))) return pass(`${domain} has no MTA-STS policy`)
    const policy = await readPolicy(probe, resolver, domain)
    if (typeof policy === 'string') return fail(`the MTA-STS policy of ${domain} cannot be used: ${policy}`)
    const { mode, mx: hosts } = policy
    const facts = { domain, mode, hosts }
    if (namesMx(policy, endpoint.serverName)) {
      return pass(`the policy of ${domain} (${mode}) lists ${endpoint.serverName}`, facts)
    }
    const words = `the policy of ${domain} (${mode}) does not list ${endpoint.serverName}, but ${hosts.join(', ') || 'no host'}`
    return mode === 'enforce' ? fail(words, facts) : warn(words, facts)
  },
}

/** RFC 8461 section 3.1. */
async function hasRecord(server: DnsServer, domain: string, timeoutMs: number): Promise<boolean> {
  const { records } = await answerTo(resolverAt(server, timeoutMs).txt(`_mta-sts.${domain}`))
  try {
    return idInRecords(records) !== undefined
  } catch (error) {
    if (error instanceof MtaStsPolicyError) return false
    throw error
  }
}

/** Downloads and reads a policy. Returns the reason if it cannot be used. */
async function readPolicy({ ca, options }: Probe, server: DnsServer, domain: string): Promise<MtaStsPolicy | string> {
  const { policyPort, timeoutMs } = options
  try {
    const lookup = lookupAt(resolverAt(server, timeoutMs))
    return await fetchPolicy(domain, { roots: ca, lookup, timeoutMs, ...(policyPort ? { port: policyPort } : {}) })
  } catch (error) {
    if (error instanceof PolicyFetchError) return error.message
    throw error
  }
}

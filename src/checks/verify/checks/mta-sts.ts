import type { LookupFunction } from 'node:net'
import { fetchPolicy, PolicyFetchError } from '../../../transport/mta-sts/fetch.ts'
import { type MtaStsPolicy, MtaStsPolicyError, namesMx } from '../../../transport/mta-sts/policy.ts'
import { idInRecords } from '../../../transport/mta-sts/record.ts'
import { query, textOf } from '../dns.ts'
import type { Probe } from '../probe.ts'
import { NotTested, type Resolver, VerifyError } from '../types.ts'
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
async function hasRecord(resolver: Resolver, domain: string, timeoutMs: number): Promise<boolean> {
  const { records } = await query(resolver, `_mta-sts.${domain}`, 'TXT', timeoutMs)
  try {
    return idInRecords(records.map(textOf)) !== undefined
  } catch (error) {
    if (error instanceof MtaStsPolicyError) return false
    throw error
  }
}

/** Downloads and reads a policy. Returns the reason if it cannot be used. */
async function readPolicy({ ca, options }: Probe, resolver: Resolver, domain: string): Promise<MtaStsPolicy | string> {
  const { policyPort, timeoutMs } = options
  try {
    const lookup = lookupAt(resolver, timeoutMs)
    return await fetchPolicy(domain, { roots: ca, lookup, timeoutMs, ...(policyPort ? { port: policyPort } : {}) })
  } catch (error) {
    if (error instanceof PolicyFetchError) return error.message
    throw error
  }
}

/** Returns a function that looks up addresses at the DNS server. */
const lookupAt =
  (resolver: Resolver, timeoutMs: number): LookupFunction =>
  (host, { all }, done) => {
    addressesOf(resolver, host, timeoutMs).then(
      (found) => {
        const [first] = found
        if (!first) return done(new VerifyError(`${host} has no address`), '')
        return all ? done(null, found) : done(null, first.address, first.family)
      },
      (error: Error) => done(error, ''),
    )
  }

async function addressesOf(resolver: Resolver, host: string, timeoutMs: number) {
  const found: { address: string; family: number }[] = []
  for (const [type, family] of [['A', 4] as const, ['AAAA', 6] as const]) {
    for (const record of (await query(resolver, host, type, timeoutMs)).records) {
      found.push({ address: addressText(record), family })
    }
  }
  return found
}

function addressText(octets: Buffer): string {
  if (octets.length === 4) return octets.join('.')
  return octets.toString('hex').match(/.{4}/g)?.join(':') ?? ''
}

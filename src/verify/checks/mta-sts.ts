import { request } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { query, type Resolver, textOf } from '../dns.ts'
import type { Probe } from '../probe.ts'
import { NotTested, VerifyError } from '../types.ts'
import { type Check, fail, pass, warn } from './check.ts'

const HTTPS = 443
/** Longer policies are not read. RFC 8461 section 3.3 suggests 64 KB. */
const MAX_POLICY_OCTETS = 64 * 1024

/** An MTA-STS policy. RFC 8461 section 3.2. */
interface Policy {
  readonly mode: string
  readonly hosts: readonly string[]
}

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
    const { mode, hosts } = policy
    const facts = { domain, mode, hosts }
    if (hosts.some((pattern) => covers(pattern, endpoint.serverName))) {
      return pass(`the policy of ${domain} (${mode}) lists ${endpoint.serverName}`, facts)
    }
    const words = `the policy of ${domain} (${mode}) does not list ${endpoint.serverName}, but ${hosts.join(', ') || 'no host'}`
    return mode === 'enforce' ? fail(words, facts) : warn(words, facts)
  },
}

/** RFC 8461 section 3.1: exactly one record starts with the version. */
async function hasRecord(resolver: Resolver, domain: string, timeoutMs: number): Promise<boolean> {
  const { records } = await query(resolver, `_mta-sts.${domain}`, 'TXT', timeoutMs)
  return records.filter((record) => /^v=STSv1\s*;/.test(textOf(record))).length === 1
}

/** Downloads and reads a policy. Returns the reason if it cannot be used. */
async function readPolicy(probe: Probe, resolver: Resolver, domain: string): Promise<Policy | string> {
  let text: string
  try {
    text = await download(probe, resolver, `mta-sts.${domain}`)
  } catch (error) {
    return (error as Error).message
  }
  const fields = text.split(/\r?\n/).flatMap((line) => {
    const [, name, value] = /^([a-z_]+):\s*(.*?)\s*$/i.exec(line) ?? []
    return name === undefined || value === undefined ? [] : [{ name, value }]
  })
  const first = (wanted: string): string | undefined => fields.find(({ name }) => name === wanted)?.value
  if (first('version') !== 'STSv1') return 'its version is not STSv1'
  const mode = first('mode') ?? ''
  if (!/^(?:enforce|testing|none)$/.test(mode)) return `unknown mode “${mode}”`
  if (!/^\d{1,10}$/.test(first('max_age') ?? '')) return 'it has no max_age'
  return { mode, hosts: fields.flatMap(({ name, value }) => (name === 'mx' ? [value.toLowerCase()] : [])) }
}

/** RFC 8461 section 3.3: over HTTPS with a valid certificate; redirects are not followed. @throws Error */
function download({ ca, options }: Probe, resolver: Resolver, host: string): Promise<string> {
  const path = '/.well-known/mta-sts.txt'
  const lookup = lookupAt(resolver, options.timeoutMs)
  return new Promise((resolve, reject) => {
    const sent = request(
      { host, port: options.policyPort ?? HTTPS, path, lookup, ca: [...ca], agent: false },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part
          if (text.length > MAX_POLICY_OCTETS) sent.destroy(new Error('it is longer than 64 KB'))
        })
        response.on('end', () => {
          if (response.statusCode === 200) resolve(text)
          else reject(new Error(`HTTP status ${response.statusCode}`))
        })
      },
    )
    sent.setTimeout(options.timeoutMs, () => sent.destroy(new Error(`no answer within ${options.timeoutMs / 1000} s`)))
    sent.on('error', reject).end()
  })
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

/** RFC 8461 section 4.1: a wildcard stands for exactly one label. */
function covers(pattern: string, serverName: string): boolean {
  const name = serverName.toLowerCase()
  if (!pattern.startsWith('*.')) return pattern === name
  return !isIP(name) && name.slice(name.indexOf('.')) === pattern.slice(1)
}

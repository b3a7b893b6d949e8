import { splitAddress } from '../../accounts/directory/names.ts'
import type { PolicyProblem } from '../outgoing/route/dns.ts'
import type { Attempt, AttemptResult, HostResult, NextHop, TlsaRecord } from '../outgoing/types.ts'
import type { TlsResult } from './results.ts'

/** Returns the lines of the MTA-STS policy of a domain; none if it is not known. */
type PolicyStrings = (domain: string) => Promise<readonly string[]>

/** Returns what an attempt says about the policies of its domain. Smart hosts have no policy domain. RFC 8460 section 4. */
export async function resultsOfAttempt(
  { connector, envelope }: Attempt,
  { hosts = [] }: AttemptResult,
  policyStrings: PolicyStrings,
): Promise<readonly TlsResult[]> {
  const [recipient] = envelope.recipients
  if (connector.route !== 'dns' || recipient === undefined) return []
  const { domain } = splitAddress(recipient.address)
  return Promise.all(hosts.map((host) => resultOf(domain, host, policyStrings)))
}

async function resultOf(domain: string, host: HostResult, policyStrings: PolicyStrings): Promise<TlsResult> {
  const { hop, failure, text, remoteAddress, localAddress, remoteName } = host
  const result = { domain, mxHosts: [hop.host], ...(await policyOf(hop, domain, policyStrings)) }
  if (failure === undefined) return result
  return {
    ...result,
    failure: {
      resultType: failure,
      receivingMxHostname: hop.host,
      ...(localAddress !== undefined && { sendingMtaIp: localAddress }),
      ...(remoteAddress !== undefined && { receivingIp: remoteAddress }),
      ...(remoteName !== undefined && { receivingMxHelo: remoteName }),
      ...(text !== undefined && { failureReasonCode: text }),
    },
  }
}

async function policyOf(
  { policy, tlsa = [] }: NextHop,
  domain: string,
  policyStrings: PolicyStrings,
): Promise<Pick<TlsResult, 'policyType' | 'policyStrings'>> {
  if (policy === 'dane') return { policyType: 'tlsa', policyStrings: tlsa.map(tlsaText) }
  if (policy === 'mta-sts') return { policyType: 'sts', policyStrings: await policyStrings(domain) }
  return { policyType: 'no-policy-found', policyStrings: [] }
}

/** RFC 6698 section 2.2. */
const tlsaText = ({ usage, selector, matchingType, data }: TlsaRecord): string =>
  `${usage} ${selector} ${matchingType} ${data.toString('hex').toUpperCase()}`

/** Returns a problem that kept a policy or a host from being used. */
export async function resultOfProblem(
  { domain, failure, text, policy, host }: PolicyProblem,
  policyStrings: PolicyStrings,
): Promise<TlsResult> {
  return {
    domain,
    policyType: policy === 'dane' ? 'tlsa' : 'sts',
    policyStrings: policy === 'dane' ? [] : await policyStrings(domain),
    mxHosts: host === undefined ? [] : [host],
    failure: {
      resultType: failure,
      failureReasonCode: text,
      ...(host !== undefined && { receivingMxHostname: host }),
    },
  }
}

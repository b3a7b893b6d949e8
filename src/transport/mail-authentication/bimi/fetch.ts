import { isIP, type LookupFunction } from 'node:net'
import { mayRequest, type NamedHosts } from '../../../core/network/allowed-hosts.ts'
import { isLoopback, isLoopbackHost } from '../../../core/network/ip-address.ts'
import { HttpsGetError, httpsGet } from '../../https-get.ts'
import { LookupError, type NameLookup } from '../names.ts'
import { BimiFailure } from './failure.ts'

const TIMEOUT_MS = 10_000

/** How documents are fetched: which hosts may be asked, and whom they are trusted by. */
export interface FetchRules {
  readonly lookUp: NameLookup
  readonly hosts: NamedHosts
  /** In PEM. */
  readonly roots: readonly string[]
}

/**
 * Fetches a logo or a mark certificate over HTTPS. The host has its addresses from records of the lab alone, and they must be
 * loopback addresses, unless the configuration names the host. @throws BimiFailure
 */
export async function fetchDocument(url: string, maxOctets: number, rules: FetchRules): Promise<Buffer> {
  const { hostname, port, pathname, search } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  const addresses = await addressesOf(host, rules.lookUp)
  if (addresses.length === 0) throw new BimiFailure(`${host} has no address in the records of the lab`)
  if (!mayRequest(hostname, rules.hosts) && !addresses.every(isLoopback)) {
    throw new BimiFailure(
      `the lab connects only to loopback addresses and to hosts of \`webhooks\` and \`testing.verify.targets\`, not to ${host}`,
    )
  }
  // The addresses that were checked are those that are connected to.
  const lookup: LookupFunction = (_, { all }, done) => {
    const found = addresses.map((address) => ({ address, family: isIP(address) }))
    const [first] = found
    if (all || !first) done(null, found)
    else done(null, first.address, first.family)
  }
  try {
    const path = `${pathname}${search}`
    const source = { port: Number(port || 443), path, roots: rules.roots, lookup, timeoutMs: TIMEOUT_MS, maxOctets }
    return (await httpsGet(host, source)).octets
  } catch (error) {
    if (!(error instanceof HttpsGetError)) throw error
    throw new BimiFailure(`${url} cannot be fetched: ${error.message}`, 'fail', { cause: error })
  }
}

async function addressesOf(host: string, lookUp: NameLookup): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host]
  // RFC 6761 section 6.3
  if (isLoopbackHost(host)) return ['127.0.0.1', '::1']
  try {
    return [...(await lookUp(host, 'A')), ...(await lookUp(host, 'AAAA'))]
  } catch (error) {
    if (!(error instanceof LookupError)) throw error
    throw new BimiFailure(`failed to resolve ${host}`, 'temperror', { cause: error })
  }
}

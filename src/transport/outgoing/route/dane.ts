import { DnsError } from '../../dns/errors.ts'
import type { Lookup, Resolver, TlsaRecord } from '../../dns/resolver.ts'
import { usableRecords } from '../../dns/tlsa.ts'
import type { NextHop, ResolvedConnector } from '../types.ts'

/** Returns the DNS that a connector asks. It may be loaded first. */
export type ResolverOf = (connector: ResolvedConnector) => Resolver | Promise<Resolver>

/** The TLSA records of a host. */
export interface HostTlsa {
  readonly records: readonly TlsaRecord[]
  /** The name below which the records are, which its certificate may have. */
  readonly baseDomain: string
  /** Whether clients of SMTP can verify a certificate by one of the records. */
  readonly isUsable: boolean
}

/**
 * Returns the TLS level of a host with usable TLSA records, and the names that its certificate may have.
 * @param names further names that its certificate may have if only a trust anchor matches
 */
export const daneLevel = (host: string, { records, baseDomain }: HostTlsa, names: readonly string[]) =>
  ({
    tls: 'dane',
    policy: 'dane',
    tlsa: records,
    // RFC 7672 section 3.2.3
    names: [...new Set([baseDomain, ...names])],
    // RFC 7672 section 8.1
    ...(baseDomain !== host && { serverName: baseDomain }),
  }) as const satisfies Partial<NextHop>

/**
 * Returns the TLSA records of a host that DNSSEC authenticates; undefined if DANE does not apply to it.
 * @param addresses the lookup of the host's addresses
 * @throws DnsError if it is not known whether there are records: the host must not be used (RFC 7672 section 2.1.2)
 */
export async function hostTlsa(
  resolver: Resolver,
  host: string,
  port: number,
  addresses: Pick<Lookup<string>, 'authenticated' | 'canonicalName'>,
  signal: AbortSignal,
): Promise<HostTlsa | undefined> {
  for (const baseDomain of await baseDomains(resolver, host, addresses, signal)) {
    const found = await lookUp(resolver, `_${port}._tcp.${baseDomain}`, signal)
    if (found?.authenticated) {
      return { records: found.records, baseDomain, isUsable: usableRecords(found.records).length > 0 }
    }
  }
  return undefined
}

/**
 * Returns the names below which TLSA records are looked for. A host whose addresses are not authenticated is not asked
 * for: its servers often fail such queries. An alias counts if it is authenticated itself. RFC 7672 section 2.2.2.
 */
async function baseDomains(
  resolver: Resolver,
  host: string,
  { authenticated, canonicalName }: Pick<Lookup<string>, 'authenticated' | 'canonicalName'>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (authenticated) return canonicalName === host.toLowerCase() ? [host] : [canonicalName, host]
  if (canonicalName === host.toLowerCase()) return []
  try {
    return (await resolver.lookup(host, 'CNAME', signal)).authenticated ? [host] : []
  } catch (error) {
    if (error instanceof DnsError && error.isPermanent) return []
    throw error
  }
}

async function lookUp(resolver: Resolver, name: string, signal: AbortSignal): Promise<Lookup<TlsaRecord> | undefined> {
  try {
    return await resolver.tlsa(name, signal)
  } catch (error) {
    // A name that does not exist and one without records both mean: no DANE. RFC 7672 section 2.1.1
    if (error instanceof DnsError && error.isPermanent) return undefined
    throw error
  }
}

import type { DnsRecord } from '../message.ts'
import { makeRecord } from '../records.ts'
import type { DnsFacts, ServedKey, ServerFacts } from './facts.ts'

/** The port of mail between servers. */
const SMTP_PORT = 25

/**
 * Returns the TLSA records of every port with TLS: 3 1 1 of each served key, and 2 1 1 of each issuer whose certificate the
 * server sends. A client that has cached them accepts the next certificate of the same issuer (RFC 7671 sections 5.2, 8.1).
 */
export function tlsaRecords({ hosts, servers, ttlSeconds }: DnsFacts): DnsRecord[] {
  const ports = keysByPort(servers)
  return hosts
    .filter((host) => !host.startsWith('*.'))
    .flatMap((host) =>
      [...ports].flatMap(([port, keys]) =>
        tlsaData(keys).map((data) => makeRecord(`_${port}._tcp.${host}`, 'TLSA', ttlSeconds, data)),
      ),
    )
}

function keysByPort(servers: readonly ServerFacts[]): Map<number, readonly ServedKey[]> {
  const ports = new Map<number, readonly ServedKey[]>()
  for (const { port, tlsPort, keys, protocol } of servers) {
    // The clear-text port of HTTP has no TLS.
    const open = protocol === 'http' ? [tlsPort] : [port, tlsPort]
    for (const one of open)
      if (one !== undefined && keys.length > 0) ports.set(one, [...(ports.get(one) ?? []), ...keys])
  }
  // A lab with other ports is often reached through port 25 of another program.
  const relay = servers.find(({ protocol, keys }) => protocol === 'smtp' && keys.length > 0)
  if (relay && !ports.has(SMTP_PORT)) ports.set(SMTP_PORT, relay.keys)
  return ports
}

/** DANE-EE(3) or DANE-TA(2) with SPKI(1) and SHA2-256(1). RFC 7218. */
function tlsaData(keys: readonly ServedKey[]): object[] {
  const digests = (usage: number, list: readonly Buffer[]): object[] =>
    [...new Map(list.map((digest) => [digest.toString('hex'), digest])).values()].map((certificate) => ({
      usage,
      selector: 1,
      matchingType: 1,
      certificate,
    }))
  return [
    ...digests(
      3,
      keys.map(({ keyDigest }) => keyDigest),
    ),
    ...digests(
      2,
      keys.flatMap(({ issuerKeyDigest }) => issuerKeyDigest ?? []),
    ),
  ]
}

import { createHash, X509Certificate } from 'node:crypto'
import { domainToASCII } from 'node:url'
import { paccDocument, paccHost, paccRecord } from '../../api/client-settings/pacc.ts'
import type { ResolvedLab } from '../../core/config/resolve.ts'
import type { InstalledCertificate } from '../../tls/pki/types.ts'
import type { DnsFacts, ServedKey, ServerFacts } from '../../transport/dns/generated/facts.ts'
import { normalName } from '../../transport/dns/names.ts'
import { configuredPolicy } from '../../transport/mta-sts/configured.ts'
import { policyRecord } from '../../transport/mta-sts/record.ts'
import { policyHost } from '../../transport/mta-sts/served.ts'
import { tlsReportRecord } from '../../transport/tls-reports/record.ts'

/** A running virtual server with its certificates. */
export interface RunningServer {
  readonly protocol: ServerFacts['protocol']
  readonly port: number | undefined
  readonly tlsPort: number | undefined
  readonly hasJmap: boolean
  readonly certificates: readonly InstalledCertificate[]
}

/**
 * Returns what the lab's DNS records are generated from.
 * @param issuer of the lab's access tokens
 */
export function dnsFacts(lab: ResolvedLab, running: readonly RunningServer[], issuer: string): DnsFacts {
  const { hostname, alternativeNames, domain, directory, outgoing, dns, certificates, virtualServers, oauth2 } = lab
  const ttl = dns?.ttl ?? 0
  const further = [
    ...alternativeNames,
    ...(outgoing.mtaSts ? [policyHost(domain)] : []),
    ...(oauth2.mailClients ? [paccHost(domain)] : []),
  ]
  const domains = directory.accounts.flatMap(({ addresses }) =>
    addresses.map((address) => address.slice(address.lastIndexOf('@') + 1)),
  )
  const listed = dns?.addresses ?? []
  const listening = [...virtualServers.map(({ address }) => address)].flatMap(publishedAddresses)
  return {
    hosts: [asciiName(hostname), ...distinct(further.filter(isName).map(asciiName))],
    addresses: distinct(listed.length > 0 ? listed : listening),
    domains: distinct([domain, ...domains].filter(isName).map(asciiName)),
    serverAddress: publishedAddresses(dns?.address ?? '')[0] ?? '127.0.0.1',
    servers: running.map(({ certificates, ...server }) => ({ ...server, keys: certificates.map(servedKey) })),
    texts: oauth2.mailClients ? [paccRecord(asciiName(domain), paccDocument(lab, issuer))] : [],
    hasAuthority: certificates.service !== undefined,
    ttlSeconds: Math.floor(ttl / 1000),
  }
}

const distinct = (texts: readonly string[]): string[] => [...new Set(texts)]

const asciiName = (name: string): string => normalName(domainToASCII(name) || name)

/** Whether a text is a name that DNS can hold: no IP address, no address literal. */
const isName = (text: string): boolean => /[a-z]/i.test(text) && !/[:[\]\s]/.test(text)

/** Returns the addresses at which programs reach a listening address. */
const publishedAddresses = (address: string): readonly string[] => {
  if (address === 'localhost' || address === '0.0.0.0') return ['127.0.0.1']
  return address === '::' ? ['127.0.0.1', '::1'] : [address]
}

function servedKey({ certificatePem, chainPem: [issuer] }: InstalledCertificate): ServedKey {
  return { keyDigest: keyDigest(certificatePem), issuerKeyDigest: issuer === undefined ? undefined : keyDigest(issuer) }
}

/** SHA-256 of the SubjectPublicKeyInfo, for selector SPKI(1). RFC 6698 section 2.1.2. */
const keyDigest = (pem: string): Buffer =>
  createHash('sha256')
    .update(new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' }))
    .digest()

/** Returns the TXT records of the mail domain's policies for TLS: MTA-STS (RFC 8461) and reports (RFC 8460). */
export function policyTexts(lab: ResolvedLab): { readonly name: string; readonly text: string }[] {
  const domain = asciiName(lab.domain)
  const configured = configuredPolicy(lab)
  const receives = lab.virtualServers.some(({ protocol }) => protocol === 'smtp')
  const rua = lab.outgoing.tlsReports?.rua ?? (receives ? [`mailto:postmaster@${domain}`] : [])
  return [
    ...(configured ? [{ name: `_mta-sts.${domain}`, text: policyRecord(configured.policy) }] : []),
    ...(rua.length > 0 ? [{ name: `_smtp._tls.${domain}`, text: tlsReportRecord(rua) }] : []),
  ]
}

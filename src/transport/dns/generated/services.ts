import type { DnsRecord } from '../message.ts'
import { makeRecord } from '../records.ts'
import type { DnsFacts, ServerFacts } from './facts.ts'

/** The service of a protocol's port. `isTls`: of its TLS port. */
interface Service {
  readonly label: string
  readonly protocol: ServerFacts['protocol']
  readonly isTls: boolean
  /** Whether a server of the protocol has the service. Default: every one. */
  readonly isOf?: (server: ServerFacts) => boolean
}

/** The services by which mail and news programs find their servers. */
const services: readonly Service[] = [
  // RFC 6186 section 3
  { label: '_submission', protocol: 'smtp', isTls: false },
  // RFC 8314 section 5.1
  { label: '_submissions', protocol: 'smtp', isTls: true },
  { label: '_imap', protocol: 'imap4', isTls: false },
  { label: '_imaps', protocol: 'imap4', isTls: true },
  { label: '_pop3', protocol: 'pop3', isTls: false },
  { label: '_pop3s', protocol: 'pop3', isTls: true },
  // RFC 5804 section 1.8
  { label: '_sieve', protocol: 'managesieve', isTls: false },
  { label: '_nntp', protocol: 'nntp', isTls: false },
  { label: '_nntps', protocol: 'nntp', isTls: true },
  // The autodiscovery of Exchange Server, which needs HTTPS.
  { label: '_autodiscover', protocol: 'http', isTls: true },
  // RFC 8620 section 2.2: the port of HTTPS.
  { label: '_jmap', protocol: 'http', isTls: true, isOf: ({ hasJmap }) => hasJmap },
]

const portOf = ({ port, tlsPort }: ServerFacts, isTls: boolean): number | undefined => (isTls ? tlsPort : port)

/** Returns the SRV records of the mail domains, one for each virtual server of a service. Earlier servers are preferred. */
export function serviceRecords({ domains, hosts: [host], servers, ttlSeconds }: DnsFacts): DnsRecord[] {
  return domains.flatMap((domain) =>
    services.flatMap(({ label, protocol, isTls, isOf = () => true }) =>
      servers
        .filter((server) => server.protocol === protocol && isOf(server))
        .flatMap((server) => portOf(server, isTls) ?? [])
        .map((port, priority) =>
          makeRecord(`${label}._tcp.${domain}`, 'SRV', ttlSeconds, { priority, weight: 1, port, target: host }),
        ),
    ),
  )
}

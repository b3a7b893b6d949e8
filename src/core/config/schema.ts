import { z } from 'zod'
import type { OldKeys } from './deprecated-keys.ts'
import { certificate } from './schema/certificate.ts'
import { authorityService, certificateProfile, certificates } from './schema/certificates.ts'
import { connector, forwardRule } from './schema/connector.ts'
import { captured, directory } from './schema/directory.ts'
import { dns } from './schema/dns.ts'
import { drain } from './schema/drain.ts'
import { fault } from './schema/fault.ts'
import { auditJobs, token, verifyJobs, webhook } from './schema/http.ts'
import { mailAuthentication } from './schema/mail-authentication.ts'
import { mtaSts } from './schema/mta-sts.ts'
import { news } from './schema/news.ts'
import { oauth2 } from './schema/oauth2.ts'
import { personality } from './schema/personality.ts'
import { protocols } from './schema/protocol.ts'
import { reports } from './schema/reports.ts'
import { cluster, retention, store } from './schema/store.ts'
import { tagging } from './schema/tagging.ts'
import { tlsReports } from './schema/tls-reports.ts'
import { capture, host, hostName, logLevels, octets } from './schema/values.ts'
import { virtualServer } from './schema/virtual-server.ts'

// Re-exported: most callers need the lab's types together with these.
export {
  type AnyVariantName,
  postQuantumVariants,
  type VariantName,
  variantNames,
} from './schema/certificate.ts'
export { type DefectName, defectNames } from './schema/defect-names.ts'
export { type PersonalityName, personalityNames } from './schema/personality.ts'
export {
  isMailProtocol,
  type Protocol,
  protocols,
  protocolTitles,
  type ServerProtocol,
  serverProtocols,
  standardPorts,
} from './schema/protocol.ts'
export { type TlsDefectName, tlsDefects } from './tls-defects.ts'
export { type LegacySuiteName, tlsVersions } from './tls-names.ts'

/** The version of the configuration's format. It changes when a file cannot be read as before. */
export const CONFIG_VERSION = 1

/**
 * Defines every key of a lab with its type, default and description. `config/reference.yaml`, the JSON Schema, the errors
 * for a wrong file and the types of `startLab()` all derive from this schema. The nested keys are in `schema/`.
 */
const labObject = z.strictObject({
  version: z
    .literal(CONFIG_VERSION)
    .default(CONFIG_VERSION)
    .describe('Version of the format of this file. See docs/upgrading.md.'),
  hostname: hostName
    .default('localhost')
    .describe('Host name in the certificates. localhost, 127.0.0.1, ::1 and the name of the machine are always added.'),
  alternativeNames: z.array(host).default([]).describe('Additional host names and IP addresses in the certificates.'),
  domain: hostName.default('lab.test').describe('Mail domain of the accounts.'),
  certificates: certificates
    .prefault({})
    .describe(
      'Certificate store: a folder relative to this file (default: certs), `memory`, or `database` (the default with a store in PostgreSQL). The long form { store, key } also sets the key type of certificates that `auto` issues.',
    ),
  certificate: certificate
    .prefault('auto')
    .describe('Certificate of virtual servers without a `certificate` key. Takes the same values.'),
  personality: personality
    .default('sealpost')
    .describe(
      'The server that virtual servers imitate, unless they have a `personality` of their own: sealpost (its own words), exchange2003, gmail, microsoft365, dovecot or courier. It changes greetings, capability lists, reply texts and defaults. It does not change what is stored, or what TLS requires. See docs/personality.md.',
    ),
  authorityService: authorityService
    .optional()
    .describe(
      'HTTP service of the lab’s certificate authorities: revocation lists, OCSP, ACME and certificates. Not started when absent.',
    ),
  certificateProfiles: z
    .record(z.string().min(1), certificateProfile)
    .default({})
    .describe(
      'Kinds of certificates for `--profile`, in addition to server, client, user, smime, code-signing, ocsp-responder, short-lived and must-staple.',
    )
    .meta({ examples: [{ weekly: { purposes: ['serverAuth'], lifetime: '7d' } }] }),
  dns: dns
    .optional()
    .describe(
      'The DNS server of the lab, which answers for its domains and for other zones (docs/dns.md). Not started when absent.',
    ),
  store: store
    .prefault('memory')
    .describe(
      'Where messages and articles are stored: memory, { memory: SIZE } with a size limit, { lmdb: DIR } in a folder relative to this file, or { postgres: URL } in a database that several nodes share. All take limits, and `whenFull` says what happens at them.',
    ),
  cluster: cluster
    .optional()
    .describe('Nodes that serve this lab together, from one database. Needs store: { postgres: URL }.')
    .meta({ examples: [{ name: 'lab' }] }),
  memoryLimit: octets
    .optional()
    .describe(
      'Memory for everything that clients make the lab hold besides stored messages: connections, messages that arrive, transcripts, caches. Beyond it, new work is refused. Default: a quarter of the memory of the machine or container, at most 1GiB. Transcripts and caches take at most a quarter of the heap limit of Node.js.',
    )
    .meta({ examples: ['512MB'] }),
  retention: z
    .array(retention)
    .prefault([])
    .describe('Rules that delete old messages. They run every minute; several rules can apply to one folder.')
    .meta({ examples: [[{ folders: 'lab.*', keep: { age: '30d' } }]] }),
  drain: drain.prefault({}).describe('How the lab ends after SIGTERM. See docs/cluster-operation.md.'),
  portOffset: z.number().int().min(0).max(60000).default(0).describe('Number added to every port.'),
  logLevel: z.enum(logLevels).default('info').describe('Lowest level that is logged.'),
  directory: directory.prefault({}).describe('Accounts of the lab.'),
  captured: captured.prefault({}).describe('Mail that the lab captures: for other domains, and for unknown accounts.'),
  tagging: tagging
    .optional()
    .describe('Tags that mail gets when it arrives (keywords of IMAP4). Default: none.')
    .meta({ examples: [{ header: 'X-Tags', plusAddresses: true }] }),
  spamFilter: z
    .string()
    .regex(/^(?:spamd|https?):\/\/[^\s]+$/, 'write spamd://HOST:PORT for SpamAssassin, or http://HOST:PORT for rspamd')
    .refine((text) => URL.canParse(text), 'is not a URL')
    .optional()
    .describe(
      'Spam filter that judges messages for the checks of a message: spamd of SpamAssassin (spamd://HOST:PORT, or spamd:///SOCKET), or rspamd (http://HOST:PORT). Default: a few rules of the lab.',
    )
    .meta({ examples: ['spamd://127.0.0.1:783'] }),
  connectors: z
    .array(connector)
    .prefault([])
    .describe(
      'Connectors that send mail to other hosts. Without one, no mail leaves the lab. See docs/outgoing-mail.md.',
    )
    .meta({
      examples: [[{ name: 'Default SMTP Connector', smartHost: { host: '127.0.0.1', port: 2525 }, when: 'automatic' }]],
    }),
  forwardRules: z
    .array(forwardRule)
    .default([])
    .describe('Mail for mailboxes of the lab that a connector also sends elsewhere.')
    .meta({ examples: [[{ filters: { to: ['alice@lab.test'] }, to: ['dev@example.test'] }]] }),
  reports: reports
    .prefault({})
    .describe('Reports that a test asks for: bounces, spam complaints and out-of-office replies. See docs/bounces.md.'),
  administrators: z
    .array(z.string().min(1))
    .default([])
    .describe('http: accounts that may do everything over HTTP. The other accounts read and change their own mail.')
    .meta({ examples: [['alice']] }),
  tokens: z
    .array(token)
    .default([])
    .describe('http: tokens of programs (`Authorization: Bearer TOKEN`): name, role, and token or tokenFile.')
    .meta({ examples: [[{ name: 'ci', role: 'administrator', tokenFile: '../ci.token' }]] }),
  oauth2: oauth2
    .prefault({})
    .describe('Access tokens for XOAUTH2, OAUTHBEARER and the HTTP API, and the authorization server of the lab.'),
  webhooks: z
    .array(webhook)
    .default([])
    .describe('URLs that receive events as signed HTTP requests (Standard Webhooks).')
    .meta({
      examples: [[{ url: 'http://127.0.0.1:9000/hook', events: ['message.received'], secretFile: '../hook.secret' }]],
    }),
  verify: verifyJobs.prefault({}).describe('http: what `POST /api/v1/verify` may examine.'),
  audit: auditJobs.prefault({}).describe('http: where `POST /api/v1/audit` opens bad servers.'),
  mtaSts: mtaSts
    .optional()
    .describe(
      'The MTA-STS policy of the mail domain (RFC 8461). http virtual servers serve it at https://mta-sts.DOMAIN/.well-known/mta-sts.txt, certificates that `auto` issues contain that name, and the zone of the domain has the record. See docs/mta-sts-dane.md.',
    ),
  mailAuthentication: mailAuthentication
    .prefault({})
    .describe('SPF, DKIM, DMARC, ARC and BIMI: how mail that arrives is checked, and how mail that leaves is signed.'),
  tlsReports: tlsReports
    .optional()
    .describe(
      'Reports about the TLS of mail (RFC 8460): the zone of the domain asks senders for them, and http virtual servers accept them at https://HOST/tls-reports. Reports that arrive by mail are always read. See docs/mta-sts-dane.md.',
    ),
  news: news.prefault({}).describe('Newsgroups, and the control messages about them.'),
  capture: capture
    .optional()
    .describe(
      'Captures the traffic of all virtual servers for Wireshark: FILE (pcapng), memory, or { file, memory, secrets, maxSize, maxFiles }.',
    )
    .meta({ examples: ['lab.pcapng'] }),
  faults: z
    .array(fault)
    .default([])
    .describe('Faults to inject, to test how clients handle errors.')
    .meta({ examples: [[{ when: { verb: 'RCPT' }, do: { reply: '451 4.7.1 Greylisted' }, times: 1 }]] }),
  faultSeed: z
    .number()
    .int()
    .nonnegative()
    .default(823024)
    .describe(
      'Seed of the random numbers that faults use. The same seed and the same clients produce the same faults.',
    ),
  virtualServers: z
    .array(virtualServer)
    .prefault(protocols.map((protocol) => ({ protocol })))
    .describe('Virtual servers. Default: one for each protocol of mail and news.'),
})

/** The top-level keys. */
export const labKeys = labObject.shape

/** The top-level keys that only group others. Each of these also has an environment variable. */
export const labGroups = { news }

/** The schema with `certificate` and `personality` copied to each virtual server that has none. */
export const labSchema = labObject.transform(({ virtualServers, ...lab }) => ({
  ...lab,
  virtualServers: virtualServers.map((server) => ({
    ...server,
    certificate: server.certificate ?? lab.certificate,
    personality: server.personality ?? lab.personality,
  })),
}))

/** A configuration as a user writes it: the YAML's keys as an object. Keys with a default are optional. */
export type LabInput = PresentInput & OldKeys<PresentInput>
/** A configuration without deprecated keys. */
export type PresentInput = z.input<typeof labSchema>
export type VirtualServerInput = NonNullable<LabInput['virtualServers']>[number]
/** A valid configuration, with every default filled in. */
export type LabConfig = z.output<typeof labSchema>
export type VirtualServerConfig = LabConfig['virtualServers'][number]
export type NewsgroupConfig = LabConfig['news']['groups'][number]
export type AccountConfig = LabConfig['directory']['accounts'][number]
export type WebhookConfig = LabConfig['webhooks'][number]
export type ConnectorConfig = LabConfig['connectors'][number]
export type ForwardRule = LabConfig['forwardRules'][number]
export type TokenConfig = LabConfig['tokens'][number]
export type FeedConfig = VirtualServerConfig['feeds'][number]

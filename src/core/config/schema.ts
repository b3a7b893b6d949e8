import { z } from 'zod'
import type { OldKeys } from './deprecated-keys.ts'
import { access } from './schema/access.ts'
import { certificateKeys, certificates } from './schema/certificates.ts'
import { directory } from './schema/directory.ts'
import { dns } from './schema/dns.ts'
import { drain } from './schema/drain.ts'
import { webhook } from './schema/http.ts'
import { mail } from './schema/mail.ts'
import { news } from './schema/news.ts'
import { oauth2 } from './schema/oauth2.ts'
import { outgoing } from './schema/outgoing.ts'
import { personality } from './schema/personality.ts'
import { protocols } from './schema/protocol.ts'
import { cluster, retention, store } from './schema/store.ts'
import { testing } from './schema/testing.ts'
import { host, hostName, logLevels, octets } from './schema/values.ts'
import { virtualServer } from './schema/virtual-server.ts'

// Re-exported: most callers need the lab's types together with these.
export { postQuantumVariants, type VariantName, variantNames } from './schema/certificate.ts'
export { type DefectName, defectNames } from './schema/defect-names.ts'
export { type PersonalityName, personalityNames } from './schema/personality.ts'
export {
  hasTransactions,
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
      'Certificates of the lab. The short form is the store alone: a folder relative to this file (default: certs), `memory`, or `database` (the default with a store in PostgreSQL).',
    ),
  personality: personality
    .default('sealpost')
    .describe(
      'The server that virtual servers imitate, unless they have a `personality` of their own: sealpost (its own words), exchange2003, gmail, microsoft365, dovecot or courier. It changes greetings, capability lists, reply texts and defaults. It does not change what is stored, or what TLS requires. See docs/personality.md.',
    ),
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
  access: access.prefault({}).describe('http: who may do what over HTTP.'),
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
  mail: mail
    .prefault({})
    .describe('Mail in the lab: captured mail, tags, reports that tests ask for, SPF, DKIM and DMARC, forward rules.'),
  outgoing: outgoing.prefault({}).describe('Mail to other hosts, and the policies for the TLS of mail.'),
  news: news.prefault({}).describe('Newsgroups, and the control messages about them.'),
  testing: testing
    .prefault({})
    .describe('Faults, captures of network traffic, and what the jobs verify and audit of the HTTP API may use.'),
  virtualServers: z
    .array(virtualServer)
    .prefault(protocols.map((protocol) => ({ protocol })))
    .describe('Virtual servers. Default: one for each protocol of mail and news.'),
})

/** The top-level keys. */
export const labKeys = labObject.shape

/** The top-level keys that only group others. Each of these also has an environment variable. */
export const labGroups = { certificates: certificateKeys, mail, outgoing, news, access, testing }

/** The schema with `certificates.default` and `personality` copied to each virtual server that has none. */
export const labSchema = labObject.transform(({ virtualServers, ...lab }) => ({
  ...lab,
  virtualServers: virtualServers.map((server) => ({
    ...server,
    certificate: server.certificate ?? lab.certificates.default,
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
export type ConnectorConfig = LabConfig['outgoing']['connectors'][number]
export type ForwardRule = LabConfig['mail']['forwardRules'][number]
export type TokenConfig = LabConfig['access']['tokens'][number]
export type FeedConfig = VirtualServerConfig['feeds'][number]

import { z } from 'zod'
import { duration, octets } from './units.ts'

/**
 * The schema of a lab: the one place that gives every key its type, its default and its meaning. `config/reference.yaml`,
 * the JSON Schema, the YAML reader's errors and the types of `startLab()` are all made from it.
 */

/** The four protocols, under the names that Exchange Server 2003 gave its virtual servers. */
export const protocols = ['smtp', 'pop3', 'imap4', 'nntp'] as const
export type Protocol = (typeof protocols)[number]

/** What the default name of a virtual server calls its protocol. */
export const protocolTitles = { smtp: 'SMTP', pop3: 'POP3', imap4: 'IMAP4', nntp: 'NNTP' } as const satisfies Record<
  Protocol,
  string
>

/** The registered ports: clear text (STARTTLS there) and implicit TLS. SMTP clients use STARTTLS on 25. RFC 8314, RFC 4642. */
export const standardPorts = {
  smtp: { port: 25, tlsPort: 'off' },
  pop3: { port: 110, tlsPort: 995 },
  imap4: { port: 143, tlsPort: 993 },
  nntp: { port: 119, tlsPort: 563 },
} as const satisfies Record<Protocol, { port: number; tlsPort: number | 'off' }>

const port = z.union([z.literal('off'), z.number().int().min(0).max(65535)])

const account = z.strictObject({
  user: z.string().min(1).describe('The log-on name.'),
  password: z.string().describe('The password, in clear: this is a lab.'),
  addresses: z.array(z.email()).optional().describe('Mail addresses of the account; user@domain when absent.'),
})

const directory = z.strictObject({
  mode: z
    .enum(['listed', 'open'])
    .default('listed')
    .describe('listed: only the accounts below. open: any name and password; the mailbox is made on first use.'),
  accounts: z.array(account).default([]).describe('The accounts.'),
})

const newsgroup = z.strictObject({
  name: z
    .string()
    .regex(/^[^\s,!*?\\[\]/]+$/, 'a newsgroup name has no spaces, commas, slashes or wildmat characters')
    .describe('The name, as `lab.general`.'),
  description: z.string().default('').describe('What LIST NEWSGROUPS says of it.'),
  posting: z.enum(['yes', 'no', 'moderated']).default('yes').describe('Who may post. moderated needs `moderator`.'),
  moderator: z.email().optional().describe('Address of the moderator of a moderated group.'),
})

const tls = z.strictObject({
  minVersion: z
    .enum(['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'])
    .default('TLSv1.2')
    .describe('Lowest TLS version let in.'),
  maxVersion: z
    .enum(['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'])
    .default('TLSv1.3')
    .describe('Highest TLS version let in.'),
  ciphers: z
    .string()
    .optional()
    .describe('OpenSSL cipher string; Node.js defaults when absent. NULL suites and old versions can be allowed here.'),
})

const limits = z.strictObject({
  connections: z
    .union([z.literal('off'), z.number().int().positive()])
    .default(500)
    .describe('Connections at one time.'),
  idleTimeout: duration
    .optional()
    .describe('How long a silent client is kept: 10m; 30m for imap4 (RFC 9051 section 5.4).'),
  messageSize: octets.default(25 * 1024 * 1024).describe('Largest message taken.'),
  recipients: z.number().int().positive().default(1000).describe('Recipients of one SMTP message.'),
  messagesPerConnection: z
    .union([z.literal('off'), z.number().int().positive()])
    .default('off')
    .describe('SMTP messages of one connection.'),
})

const certificate = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
  .default('auto')
  .describe(
    'auto: the one assigned in the store, until then one issued by the lab. assigned: none until one is assigned. none. A friendly name or thumbprint: pinned. A list: the first is the default, the others are chosen by SNI.',
  )

const virtualServer = z.strictObject({
  name: z.string().min(1).optional().describe('Default "Default <Protocol> Virtual Server".'),
  protocol: z.enum(protocols).describe('smtp, pop3, imap4 or nntp.'),
  address: z
    .string()
    .default('127.0.0.1')
    .describe('The address listened on. 0.0.0.0 or :: for all: leaves the safe loopback.'),
  port: port.optional().describe('Clear-text port; STARTTLS there once a certificate is assigned. off closes it.'),
  tlsPort: port.optional().describe('Implicit-TLS port. off closes it (the default on smtp).'),
  certificate,
  requireSecureChannel: z
    .boolean()
    .default(false)
    .describe('Nothing but STARTTLS before TLS. Not on nntp: there close the clear port with `port: off`.'),
  require128BitEncryption: z.boolean().default(false).describe('Cipher suites below 128 bits are refused.'),
  tls: tls.prefault({}).describe('TLS versions and suites.'),
  authentication: z
    .array(z.enum(['anonymous', 'basic', 'basic-over-tls']))
    .min(1)
    .default(['anonymous', 'basic'])
    .describe('anonymous, basic, basic-over-tls (offered and accepted only under TLS).'),
  limits: limits.prefault({}).describe('Limits.'),
  relay: z
    .enum(['capture', 'deny'])
    .default('capture')
    .describe('smtp: mail for other domains. capture: kept in the lab. deny: 550 5.7.1.'),
})

const certificates = z
  .union([
    z.string().min(1),
    z.strictObject({
      store: z.string().min(1).default('../certs'),
      key: z.enum(['rsa-2048', 'rsa-3072', 'rsa-4096', 'p256', 'p384', 'ed25519']).default('rsa-2048'),
    }),
  ])
  .default('../certs')
  .describe(
    'The certificate store: a folder, relative to this file, or `memory`. Long form { store, key }: key of the certificates that `auto` issues.',
  )

export const labSchema = z.strictObject({
  hostname: z
    .string()
    .min(1)
    .default('localhost')
    .describe('Certificates are issued to it; localhost, 127.0.0.1, ::1 and the machine’s name are always added.'),
  alternativeNames: z.array(z.string().min(1)).default([]).describe('More names and addresses in the certificates.'),
  domain: z.string().min(1).default('lab.test').describe('Mail for it goes to the accounts.'),
  certificates,
  store: z
    .union([z.literal('memory'), z.strictObject({ lmdb: z.string().min(1) })])
    .default('memory')
    .describe('memory, or { lmdb: DIR }.'),
  portOffset: z.number().int().min(0).max(60000).default(0).describe('Added to every port.'),
  directory: directory.prefault({}).describe('The accounts.'),
  newsgroups: z.array(newsgroup).default([]).describe('The newsgroups, which are public folders too.'),
  virtualServers: z.array(virtualServer).default([]).describe('The virtual servers.'),
})

/** What a user writes: the YAML's keys as an object; what has a default may be absent. */
export type LabInput = z.input<typeof labSchema>
/** What the schema gives: every default filled in. */
export type LabConfig = z.output<typeof labSchema>
export type VirtualServerConfig = LabConfig['virtualServers'][number]
export type NewsgroupConfig = LabConfig['newsgroups'][number]
export type AccountConfig = LabConfig['directory']['accounts'][number]
export type TlsPolicyConfig = VirtualServerConfig['tls']
export type LimitsConfig = VirtualServerConfig['limits']

import { isIP } from 'node:net'
import { z } from 'zod'
import { mapping } from './mapping.ts'
import { countOrOff, duration, host, hostName, mailAddress, secretFile } from './values.ts'

/**
 * TLS levels for the next host, with Postfix's names (smtp_tls_security_level).
 * https://www.postfix.org/TLS_README.html#client_tls_levels
 */
export const tlsLevels = ['none', 'may', 'encrypt', 'verify', 'secure', 'dane'] as const

const tlsLevel = z.enum(tlsLevels)

/** The levels, and a shorter word for `verify`. */
const tlsLevelOrRequired = z
  .enum([...tlsLevels, 'required'])
  .transform((level) => (level === 'required' ? 'verify' : level))

const authority = z
  .string()
  .min(1)
  .optional()
  .describe(
    'verify, secure: authority that must have issued the certificate of the next host: the name of an authority of the lab, or a PEM file, relative to this file. Default: the roots of the lab.',
  )
  .meta({ examples: ['../outside.pem'] })

const remotePort = z.number().int().min(1).max(65535)

/** The host that takes all mail of a connector. */
const smartHost = mapping(() => ({
  host: host.describe('Host to connect to.').meta({ examples: ['127.0.0.1'] }),
  port: remotePort
    .optional()
    .describe(
      'Port of the host. Default: 24 with `protocol: lmtp`, 465 with `implicitTls`, else 25. portOffset is not added.',
    )
    .meta({ examples: [2525] }),
  tls: tlsLevelOrRequired
    .prefault('may')
    .describe(
      'none: no TLS. may: TLS if the host offers it; its certificate is not verified. encrypt: TLS always, without verification. verify (or required) and secure: TLS with a certificate of `authority` for the host’s name. dane: a certificate that the host’s TLSA records name (needs `dns` or `resolver`).',
    ),
  implicitTls: z.boolean().default(false).describe('Whether TLS starts immediately, without STARTTLS.'),
  names: z
    .array(hostName)
    .min(1)
    .optional()
    .describe('verify, secure: host names. The certificate must contain one of them. Default: `host`.')
    .meta({ examples: [['mail.example.test']] }),
  authority,
  user: z
    .string()
    .min(1)
    .optional()
    .describe('User name for the host. Needs password or accessToken.')
    .meta({ examples: ['relay'] }),
  password: z
    .string()
    .min(1)
    .optional()
    .describe('Password for the host, in clear text.')
    .meta({ examples: ['secret'], writeOnly: true }),
  passwordFile: secretFile('password', '/run/secrets/relay'),
  accessToken: z
    .string()
    .min(1)
    .optional()
    .describe('Access token for the host (XOAUTH2), instead of a password.')
    .meta({ examples: ['ya29.token'], writeOnly: true }),
  accessTokenFile: secretFile('access token', '../relay.token'),
}))

/** A pattern of addresses. `*` stands for any text. */
const addressPattern = z.string().regex(/^[^\s<>]+$/, 'write an address or a pattern like *@example.test')

const headerName = z.string().regex(/^[!-9;-~]+$/, 'write the name of a header field')

const accountName = z.string().min(1)

/** Conditions that a message must meet for a connector or a forward rule. */
const filterKeys = () => ({
  from: z
    .array(addressPattern)
    .min(1)
    .optional()
    .describe(
      'Sender addresses (MAIL FROM). One of them must match. * stands for any text. The null sender <> never matches.',
    )
    .meta({ examples: [['*@lab.test']] }),
  to: z
    .array(addressPattern)
    .min(1)
    .optional()
    .describe('Recipient addresses (RCPT TO) that match. Other recipients are not affected. * stands for any text.')
    .meta({ examples: [['*@example.test']] }),
  header: z
    .record(headerName, z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]))
    .refine((fields) => Object.keys(fields).length > 0, 'name at least one header field')
    .optional()
    .describe(
      'Header fields that the message must have, each with a pattern for its value, or with several of which one must match. * stands for any text.',
    )
    .meta({ examples: [{ Subject: 'Order *' }] }),
  account: z
    .array(accountName)
    .min(1)
    .optional()
    .describe('Accounts. The sender must have logged on as one of them. * stands for any text.')
    .meta({ examples: [['alice']] }),
})

const filters = mapping(filterKeys)

/** Conditions that a message must meet for a mailbox of captured mail. */
export const capturedFilters = mapping(() => ({
  ...filterKeys(),
  client: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('The SMTP client: its name in HELO or EHLO, or its address. * stands for any text.')
    .meta({ examples: [['*.shop.example.test']] }),
}))

/** A rate limit: `100/m` is 100 messages per minute. */
const rate = z
  .string()
  .regex(/^[1-9]\d{0,8}\/[smhd]$/, 'write a rate such as 100/m (s, m, h or d)')
  .transform((text) => ({
    messages: Number.parseInt(text, 10),
    perMs: { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[text.slice(-1)] as number,
  }))

/** A pause between attempts, long enough not to keep the machine busy. */
const pause = duration.refine((ms) => ms >= 100, 'write at least 100ms')

const schedule = mapping(() => ({
  retry: z
    .array(pause)
    .min(1)
    .prefault(['1m', '5m', '30m', '2h'])
    .describe('Pauses between attempts, each varied randomly by up to 10 %. The last pause repeats.'),
  giveUpAfter: duration
    .prefault('2d')
    .describe('Time after which the lab gives up a message. 0: after the first attempt.'),
  delayWarning: z
    .union([z.literal('off'), duration])
    .prefault('4h')
    .describe('Time after which the sender gets one report that the message is delayed. off: no report.'),
  rate: z
    .union([z.literal('off'), rate])
    .prefault('off')
    .describe('Maximum rate of the connector: 100/m is 100 messages per minute. Units: s, m, h, d. off: no limit.')
    .meta({ examples: ['100/m'] }),
  connections: countOrOff.default(5).describe('Maximum number of simultaneous connections to one destination.'),
}))

/** A recipient domain: one domain, `*.` and a domain for all below it, or `*` for every other domain. */
const domainPattern = z
  .string()
  .regex(/^(?:\*|(?:\*\.)?[^\s@/:,;.*]+(?:\.[^\s@/:,;.*]+)*)$/, 'write a domain, a pattern like *.example.test, or *')
  .transform((text) => text.toLowerCase())

/** A DNS server: an IP address, with or without a port. */
const resolver = z.string().refine((text) => {
  const [, address = '', port = '53'] = /^\[?(.*?)\]?(?::(\d{1,5}))?$/.exec(isIP(text) ? `[${text}]` : text) ?? []
  return isIP(address) !== 0 && Number(port) >= 1 && Number(port) <= 65535
}, 'write an IP address and port such as 127.0.0.1:5300')

/** Sends mail to other hosts. Exchange Server calls it an SMTP connector. */
export const connector = mapping(() => ({
  name: z
    .string()
    .min(1)
    .describe('Name of the connector.')
    .meta({ examples: ['Default SMTP Connector'] }),
  domains: z
    .array(domainPattern)
    .min(1)
    .prefault(['*'])
    .describe(
      'Recipient domains that the connector sends to: a domain, *.example.test for the domains below it, or * for all. The most specific one decides; among equals, the first connector whose filters match. Domains of the lab itself are never sent out this way.',
    ),
  protocol: z
    .enum(['smtp', 'lmtp'])
    .default('smtp')
    .describe('lmtp: speaks LMTP with the smartHost, as mail servers do with the server of the mailboxes (RFC 2033).'),
  smartHost: smartHost.optional().describe('Host that takes all mail of the connector. Instead of `route`.'),
  route: z
    .literal('dns')
    .optional()
    .describe(
      'dns: mail goes to the hosts that DNS names for the recipient’s domain (MX), with the policies that it publishes (DANE, MTA-STS). Asks the lab’s own `dns`, or `resolver`. Instead of `smartHost`.',
    )
    .meta({ examples: ['dns'] }),
  port: remotePort.default(25).describe('route: port of the hosts that DNS names. portOffset is not added.'),
  policyPort: remotePort
    .default(443)
    .describe('route: HTTPS port of the hosts that serve MTA-STS policies. portOffset is not added.')
    .meta({ examples: [8443] }),
  tls: tlsLevel
    .optional()
    .describe(
      'route: lowest TLS level, with the meanings of `smartHost.tls`. Default: what DANE and MTA-STS require, else may.',
    )
    .meta({ examples: ['encrypt'] }),
  authority,
  resolver: resolver
    .optional()
    .describe('route, and smartHost with dane: DNS server to ask. Default: the lab’s own `dns`.')
    .meta({ examples: ['127.0.0.1:5300'] }),
  when: z
    .enum(['release', 'automatic', 'never'])
    .default('release')
    .describe(
      'release: the lab keeps mail until someone releases it. automatic: the lab sends it. never: the lab only keeps it, and nobody can release it.',
    ),
  filters: filters
    .optional()
    .describe('Conditions that a message must all meet. Other messages go to the next connector for their domain.')
    .meta({ examples: [{ from: ['*@lab.test'] }] }),
  keepCopy: z.boolean().default(true).describe('automatic: whether the lab also keeps a copy (`relay: capture`).'),
  longLines: z
    .enum(['encode', 'reject'])
    .default('encode')
    .describe(
      'What happens to a message whose body has a line of more than 998 octets, which SMTP does not carry. encode: the part goes out as quoted-printable or base64. reject: the message fails. A field of the header with such a line always fails.',
    ),
  rewrite: mapping(() => ({
    to: mailAddress
      .optional()
      .describe('Address that gets every message instead of its recipients. The header stays as it is.')
      .meta({ examples: ['dev@example.test'] }),
    from: mailAddress
      .optional()
      .describe('Sender (MAIL FROM) of every message, except of reports. The header stays as it is.')
      .meta({ examples: ['lab@example.test'] }),
  }))
    .optional()
    .describe('Changes to the envelope.')
    .meta({ examples: [{ to: 'dev@example.test' }] }),
  allow: z
    .array(addressPattern)
    .min(1)
    .optional()
    .describe('Recipients that mail may be sent to, after `rewrite`. * stands for any text. Default: all.')
    .meta({ examples: [['*@example.test']] }),
  deny: z
    .array(addressPattern)
    .default([])
    .describe('Recipients that no mail is sent to, after `rewrite`. * stands for any text.')
    .meta({ examples: [['ceo@example.test']] }),
  schedule: schedule.prefault({}).describe('Attempts and limits.'),
  certificate: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Client certificate for the next host, if it asks for one: the name of a virtual server, or a friendly name or thumbprint in the certificate store.',
    )
    .meta({ examples: ['Default SMTP Virtual Server'] }),
}))

/** Sends further copies of mail that the lab delivers to its own mailboxes. */
export const forwardRule = mapping(() => ({
  filters: filters
    .describe('Conditions that a message must all meet.')
    .meta({ examples: [{ to: ['alice@lab.test'] }] }),
  to: z
    .array(mailAddress)
    .min(1)
    .describe('Addresses that also get the message.')
    .meta({ examples: [['dev@example.test']] }),
  connector: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Connector that sends the copies. Its `domains`, `when` and filters are ignored. Default: the connector for the domain.',
    )
    .meta({ examples: ['Default SMTP Connector'] }),
}))

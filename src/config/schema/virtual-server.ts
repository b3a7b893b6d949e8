import { isIP } from 'node:net'
import { z } from 'zod'
import { capture } from './capture.ts'
import { defect } from './defect.ts'
import { distribution, feed } from './feed.ts'
import { limits } from './limits.ts'
import { protocols } from './protocol.ts'
import { tls } from './tls.ts'

const port = z.union([z.literal('off'), z.number().int().min(0).max(65535)])

const address = z
  .string()
  .refine((text) => text === 'localhost' || isIP(text) !== 0, 'write an IP address as 127.0.0.1 or ::1')

const one = z.union([z.string().min(1), defect])

export const certificate = z.union([z.string().min(1), defect, z.array(one).min(1)])

export const virtualServer = z.strictObject({
  name: z
    .string()
    .min(1)
    .optional()
    .describe('Default "Default <Protocol> Virtual Server".')
    .meta({ examples: ['Default SMTP Virtual Server'] }),
  protocol: z
    .enum(protocols)
    .describe('The protocol.')
    .meta({ examples: ['smtp'] }),
  address: address
    .default('127.0.0.1')
    .describe('The address listened on. 0.0.0.0 (IPv4) or :: (all) leaves the safe loopback.'),
  port: port
    .optional()
    .describe(
      'Clear-text port; STARTTLS there once a certificate is assigned. off closes it, 0 takes a free one. Default: smtp 25, pop3 110, imap4 143, nntp 119.',
    )
    .meta({ examples: [25] }),
  tlsPort: port
    .optional()
    .describe(
      'Implicit-TLS port, likewise. Default: smtp off, pop3 995, imap4 993, nntp 563; off without a certificate.',
    )
    .meta({ examples: ['off'] }),
  certificate: certificate
    .optional()
    .describe(
      'auto: the one assigned in the store, until then one issued by the lab. assigned: none until one is assigned. none. A friendly name or thumbprint: pinned. { defect: expired }: a bad one. A list: the first is the default, the others are chosen by SNI. Default: that of the lab.',
    )
    .meta({ examples: ['auto'] }),
  requireSecureChannel: z
    .boolean()
    .default(false)
    .describe('Nothing but STARTTLS before TLS. Not on nntp: there close the clear-text port with `port: off`.'),
  require128BitEncryption: z.boolean().default(false).describe('Cipher suites below 128 bits are refused.'),
  clientCertificates: z
    .enum(['off', 'accept', 'require'])
    .default('off')
    .describe(
      'Certificates of clients, of the lab’s authorities: off, accept, or require. One that names an account (by mail address, UPN or thumbprint) logs on by SASL EXTERNAL.',
    ),
  capture: capture
    .optional()
    .describe('A capture of this virtual server alone.')
    .meta({ examples: ['smtp.pcapng'] }),
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
  access: z
    .enum(['anonymous', 'anonymous-read', 'authenticated'])
    .default('anonymous')
    .describe('nntp, without logging on: anonymous: read and post. anonymous-read: read only. authenticated: nothing.'),
  feeds: z.array(feed).default([]).describe('nntp: other news servers that articles are exchanged with.'),
  motd: z
    .string()
    .optional()
    .describe('nntp: what LIST MOTD says.')
    .meta({ examples: ['Welcome to the lab.'] }),
  distributions: z.array(distribution).default([]).describe('nntp: LIST DISTRIBUTIONS and LIST DISTRIB.PATS.'),
})

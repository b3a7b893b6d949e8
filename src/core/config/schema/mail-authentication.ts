import { isIP } from 'node:net'
import { z } from 'zod'
import { mapping } from './mapping.ts'
import { reportSchedule } from './tls-reports.ts'
import { duration, hostName, mailAddress } from './values.ts'

/** Labels of a name in DNS; `_` begins the labels of services (RFC 8552). */
const dnsName = z.string().regex(/^[\w-]+(?:\.[\w-]+)*\.?$/, 'write a name such as example.test')

const ipv4 = z.string().refine((text) => isIP(text) === 4, 'write an IPv4 address such as 192.0.2.7')
const ipv6 = z.string().refine((text) => isIP(text) === 6, 'write an IPv6 address such as 2001:db8::7')

const nameRecords = mapping(() => ({
  txt: z
    .array(z.string())
    .optional()
    .describe('TXT records.')
    .meta({ examples: [['v=spf1 ip4:192.0.2.0/24 -all']] }),
  a: z
    .array(ipv4)
    .optional()
    .describe('IPv4 addresses.')
    .meta({ examples: [['192.0.2.7']] }),
  aaaa: z
    .array(ipv6)
    .optional()
    .describe('IPv6 addresses.')
    .meta({ examples: [['2001:db8::7']] }),
  mx: z
    .array(dnsName)
    .optional()
    .describe('MX host names, most preferred first.')
    .meta({ examples: [['mail.example.test']] }),
  ptr: z
    .array(dnsName)
    .optional()
    .describe('PTR: host names of an address, for a name in in-addr.arpa or ip6.arpa.')
    .meta({ examples: [['mail.example.test']] }),
}))

/** A private key. Without a file, it is generated and kept in the certificate store. */
const privateKey = z
  .string()
  .min(1)
  .optional()
  .describe(
    'File with the private key in PEM, relative to this file. Default: a key that the lab generates and keeps in the certificate store.',
  )
  .meta({ examples: ['../dkim.pem'] })

const selector = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i, 'write a name such as s2026') // RFC 6376 section 3.1
  .default('sealpost')
  .describe('Selector: the key is at SELECTOR._domainkey.DOMAIN.')

const dkimAlgorithms = ['rsa-2048', 'rsa-1024', 'rsa-4096', 'ed25519'] as const

/** Deliberate defects of a signature. */
const dkimDefects = [
  'bad-signature',
  'wrong-body-hash',
  'expired',
  'from-not-signed',
  'short-key',
  'revoked-key',
  'no-key',
] as const

const dkimKey = mapping(() => ({
  domain: hostName
    .describe('Domain that signs (`d=`). It signs mail whose From address is in this domain or a subdomain.')
    .meta({ examples: ['lab.test'] }),
  selector,
  algorithm: z
    .enum(dkimAlgorithms)
    .default('rsa-2048')
    .describe('Algorithm of the key that the lab generates. ed25519: RFC 8463.'),
  keyFile: privateKey,
  canonicalization: z
    .enum(['relaxed/relaxed', 'relaxed/simple', 'simple/relaxed', 'simple/simple'])
    .default('relaxed/relaxed')
    .describe(
      'Canonicalization of header and body (`c=`). relaxed: the signature survives changes of white space. simple: it does not.',
    ),
  expiresAfter: duration
    .refine((ms) => ms >= 1000, 'write at least 1s')
    .optional()
    .describe('How long signatures are valid (`x=`). Default: without limit.')
    .meta({ examples: ['7d'] }),
  defect: z
    .enum(dkimDefects)
    .optional()
    .describe(
      'A deliberate defect of the signatures, to test verifiers. short-key: 512 bits. revoked-key and no-key change the record in DNS.',
    )
    .meta({ examples: ['wrong-body-hash'] }),
}))

/** Deliberate defects of aggregate reports. */
export const dmarcReportDefects = [
  'wrong-counts',
  'foreign-namespace',
  'wrong-version',
  'truncated-gzip',
  'gzip-bomb',
  'entity-bomb',
] as const
export type DmarcReportDefect = (typeof dmarcReportDefects)[number]

const dmarcReports = mapping(() => ({
  organization: z
    .string()
    .min(1)
    .default('Sealpost')
    .describe('Name of the lab in its reports.')
    .meta({ examples: ['Example Inc.'] }),
  from: mailAddress
    .optional()
    .describe('Sender and contact of these reports. Default: dmarc-reports@DOMAIN.')
    .meta({ examples: ['postmaster@lab.test'] }),
  schedule: reportSchedule,
  failureReports: z
    .boolean()
    .default(true)
    .describe('Whether failure reports (RFC 9991) about single messages are sent to the `ruf` of domains.'),
  defect: z
    .enum(dmarcReportDefects)
    .optional()
    .describe(
      'A deliberate defect of aggregate reports, to test programs that read them. wrong-counts: negative counts. gzip-bomb: 32 MiB after decompression. entity-bomb: entities that expand to 10 MB.',
    )
    .meta({ examples: ['truncated-gzip'] }),
}))

const bimi = mapping(() => ({
  evidence: z
    .enum(['optional', 'required'])
    .default('optional')
    .describe('Whether a logo passes without a mark certificate (VMC or CMC). required: no, as at Gmail and Apple.'),
  authority: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Authority that must have issued mark certificates: the name of an authority of the lab, or a PEM file, relative to this file. Default: the roots of the lab.',
    )
    .meta({ examples: ['../mark-root.pem'] }),
}))

/** Editions of DMARC, the present one first. */
const dmarcEditions = ['rfc9989', 'rfc7489'] as const
export type DmarcEdition = (typeof dmarcEditions)[number]

/** SPF, DKIM, DMARC, ARC and BIMI. */
export const mailAuthentication = mapping(() => ({
  check: z
    .enum(['on-arrival', 'on-demand', 'off'])
    .default('on-demand')
    .describe(
      'When SPF, DKIM, DMARC, ARC and BIMI of a message are checked. on-arrival: before SMTP accepts it, and the results stay as they were then. on-demand: when someone looks at the results.',
    ),
  addResults: z
    .boolean()
    .default(false)
    .describe(
      'Whether SMTP adds the fields Authentication-Results (RFC 8601) and Received-SPF (RFC 7208) to messages. Needs `check: on-arrival`.',
    ),
  authservId: hostName
    .optional()
    .describe(
      'Name of the lab in Authentication-Results. Fields with this name that arrive are removed. Default: `hostname`.',
    )
    .meta({ examples: ['mx.lab.test'] }),
  onFailure: z
    .enum(['accept', 'refuse', 'refuse-unauthenticated', 'defer-unauthenticated'])
    .default('accept')
    .describe(
      'What SMTP does with a message that fails. refuse: 550 5.7.26 if DMARC fails and the policy is reject, 550 5.7.23 if SPF fails and DMARC does not pass. refuse-unauthenticated: also 550 5.7.26 if neither SPF nor DKIM passes, as Gmail requires of every sender. defer-unauthenticated: 421 4.7.26 instead of that. Clients that have logged on are not refused. Needs `check: on-arrival`.',
    ),
  dmarc: z
    .enum(dmarcEditions)
    .default('rfc9989')
    .describe(
      'The rules of DMARC. rfc9989 (May 2026): policies and organizations by walking up the names in DNS, with the tags np, psd and t. rfc7489 (2015): by the public suffix list, with the tag pct.',
    ),
  reports: dmarcReports
    .optional()
    .describe(
      'Reports about mail that was checked on arrival, to the domains whose DMARC records ask for them (RFC 9990, RFC 9991). Needs `check: on-arrival`. Default: no reports.',
    )
    .meta({ examples: [{ organization: 'Example Inc.' }] }),
  bimi: bimi
    .optional()
    .describe(
      'Logos of senders (BIMI): fetches the logo and the mark certificate that a domain publishes, and checks them. Only loopback addresses and hosts of `webhooks` and `testing.verify.targets` are asked. Default: only the record in DNS is read.',
    )
    .meta({ examples: [{ evidence: 'required' }] }),
  minimumKeyBits: z
    .number()
    .int()
    .min(512)
    .default(1024)
    .describe('Minimum RSA key size in bits (RFC 8301). Signatures with shorter keys get the result `policy`.'),
  records: z
    .record(dnsName, nameRecords)
    .default({})
    .describe(
      'DNS records for these checks, by name. They override the zones of the lab. Other DNS servers are never asked.',
    )
    .meta({
      examples: [
        {
          'example.test': { txt: ['v=spf1 ip4:192.0.2.7 -all'] },
          '_dmarc.example.test': { txt: ['v=DMARC1; p=reject'] },
        },
      ],
    }),
  dkim: z
    .array(dkimKey)
    .default([])
    .describe('Keys that sign outgoing mail. A domain with several keys signs with each of them.')
    .meta({
      examples: [[{ domain: 'lab.test' }, { domain: 'lab.test', selector: 'ed', algorithm: 'ed25519' }]],
    }),
  arc: mapping(() => ({
    domain: hostName.describe('Domain that seals (`d=`).').meta({ examples: ['lab.test'] }),
    selector: selector.default('arc'),
    keyFile: privateKey,
  }))
    .optional()
    .describe(
      'ARC (RFC 8617): seals mail of other domains that the lab received by SMTP and sends on, with an RSA key. Default: no seal.',
    )
    .meta({ examples: [{ domain: 'lab.test' }] }),
}))
export type MailAuthenticationConfig = z.output<typeof mailAuthentication>
export type DkimKeyConfig = MailAuthenticationConfig['dkim'][number]
export type ArcKeyConfig = NonNullable<MailAuthenticationConfig['arc']>
export type BimiConfig = NonNullable<MailAuthenticationConfig['bimi']>
export type NameRecordsConfig = MailAuthenticationConfig['records'][string]

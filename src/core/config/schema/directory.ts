import { z } from 'zod'
import { accountFormats } from '../accounts/formats.ts'
import { parseHash } from '../accounts/password-hash.ts'
import type { AccountOrigin } from '../accounts/types.ts'
import { capturedFilters } from './connector.ts'
import { mapping } from './mapping.ts'
import { outOfOffice } from './reports.ts'
import { mailAddress, octets, preload, secretFile } from './values.ts'

/** How much an account may store. */
export const quota = mapping(() => ({
  size: octets
    .optional()
    .describe('Size of all messages of the account, in octets or as 100KB, 10MiB.')
    .meta({ examples: ['10MiB'] }),
  messages: z
    .number()
    .int()
    .nonnegative()
    .optional()
    .describe('Number of messages of the account.')
    .meta({ examples: [1000] }),
  exceeded: z
    .enum(['defer', 'refuse'])
    .default('defer')
    .describe(
      'How SMTP refuses a message that exceeds it. defer: 452 4.2.2, so that clients try again. refuse: 552 5.2.2, so that they give up. A message that can never fit is refused.',
    ),
})).meta({ examples: [{ size: '10MiB', messages: 1000 }] })
export type Quota = z.output<typeof quota>
export type QuotaInput = z.input<typeof quota>

const states = ['locked', 'disabled', 'password-expired', 'must-change-password'] as const
export type AccountState = (typeof states)[number]

/** The keys of an account that say who may log on to it and how. They can be changed while the lab runs. */
export const accountAccess = {
  state: z
    .enum(states)
    .optional()
    .describe(
      'Why the account cannot log on although the password is right. Each protocol answers with its own code. password-expired and must-change-password refuse only the password: app passwords, access tokens and client certificates still log on. Default: the account can log on.',
    )
    .meta({ examples: ['locked'] }),
  twoFactor: z
    .boolean()
    .optional()
    .describe(
      'Whether mail and news clients need an app password, as with two-step verification. The password of the account is refused (smtp: 534 5.7.9), except by http.',
    )
    .meta({ examples: [true] }),
  appPasswords: z
    .array(
      mapping(() => ({
        name: z
          .string()
          .min(1)
          .describe('Name of the app password. The session record shows it.')
          .meta({ examples: ['phone'] }),
        password: z
          .string()
          .min(1)
          .describe('Password in clear text.')
          .meta({ examples: ['abcd efgh ijkl mnop'], writeOnly: true }),
      })),
    )
    .optional()
    .describe('Additional passwords of the account, one for each program.')
    .meta({ examples: [[{ name: 'phone', password: 'abcd efgh ijkl mnop' }]] }),
  delegates: z
    .array(z.string().min(1))
    .optional()
    .describe(
      'Accounts that can act for this one: they log on with their own password and name this account (SASL authzid).',
    )
    .meta({ examples: [['alice']] }),
  outOfOffice: outOfOffice
    .optional()
    .describe(
      'Automatic reply to mail that the account gets (RFC 3834). Never sent to lists, reports, automatic mail and noreply addresses.',
    ),
}

/** The URL of a server or mailbox. RFC 5092. A response code ends at a bracket. */
const imapUrl = z.string().regex(/^imap:\/\/[^\s\]]+$/i, 'write a URL such as imap://alice;AUTH=*@imap2.lab.test/')

/** The hash of the password `secret`. */
const EXAMPLE_HASH = '$5$sealpost$dzu0JHyq40kNLH2rtkjFKo9P98j0NN39wjUYG6Zt2S5'

const account = mapping(() => ({
  user: z
    .string()
    .min(1)
    .describe('User name.')
    .meta({ examples: ['alice'] }),
  password: z
    .string()
    .optional()
    .describe('Password in clear text. Required, unless passwordFile or passwordHash is set.')
    .meta({ examples: ['secret'], writeOnly: true }),
  passwordFile: secretFile('password', '/run/secrets/alice'),
  passwordHash: z
    .string()
    .superRefine((text, context) => {
      try {
        parseHash(text)
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message })
      }
    })
    .optional()
    .describe(
      'Hash of the password, instead of the password: $6$, $5$, $1$, $apr1$, $2b$ (bcrypt), $argon2id$, or a scheme of Dovecot such as {SSHA512}. See docs/accounts.md. Mechanisms that need the password in clear text, such as CRAM-MD5, are then not offered.',
    )
    .meta({ examples: [EXAMPLE_HASH], writeOnly: true }),
  addresses: z
    .array(mailAddress)
    .optional()
    .describe('Mail addresses of the account. Default: user@domain.')
    .meta({ examples: [['alice@lab.test']] }),
  certificates: z
    .array(z.string().min(1))
    .optional()
    .describe(
      'Thumbprints of client certificates that log on to this account. See clientCertificates of the virtual servers.',
    )
    .meta({ examples: [['0123456789ABCDEF0123456789ABCDEF01234567']] }),
  ...accountAccess,
  quota: quota
    .optional()
    .describe(
      'How much the account may store. SMTP answers 452 or 552, IMAP4 [OVERQUOTA]; POP3 is not affected. Default: the quota of the directory.',
    ),
  referral: imapUrl
    .optional()
    .describe(
      'imap4: the server that clients of the account must use instead. A log-on with the right password gets NO [REFERRAL URL] (RFC 2221).',
    )
    .meta({ examples: ['imap://alice;AUTH=*@imap2.lab.test/'] }),
  mailboxReferrals: z
    .record(z.string().min(1), imapUrl)
    .optional()
    .describe(
      'imap4: mailboxes of the account on other servers, by name. Commands that name them get NO [REFERRAL URL], and RLIST lists them (RFC 2193).',
    )
    .meta({ examples: [{ 'Shared/Reports': 'imap://alice;AUTH=*@imap2.lab.test/Shared/Reports' }] }),
  sieve: z
    .string()
    .optional()
    .describe(
      'Sieve script that sorts the mail of the account (RFC 5228). It is active unless the account activates another one. See docs/sieve.md.',
    )
    .meta({ examples: ['if header :contains "Subject" "lottery" { discard; }'] }),
  sieveFile: z
    .string()
    .min(1)
    .optional()
    .describe('File with this script, relative to this file. It is read at the start and at each reload.')
    .meta({ examples: ['alice.sieve'] }),
  preload,
}))

/** An account, listed in the configuration or in a file. */
type Account = z.output<typeof account> & { readonly origin?: AccountOrigin | undefined }

const accountFile = mapping(() => ({
  file: z
    .string()
    .min(1)
    .describe('File with accounts, relative to this file.')
    .meta({ examples: ['users.htpasswd'] }),
  format: z
    .enum(accountFormats)
    .optional()
    .describe(
      'htpasswd: USER:PASSWORD in each line. dovecot: a passwd-file. greenmail: LOGIN:PASSWORD@DOMAIN, separated by commas. Default: recognized by the content.',
    )
    .meta({ examples: ['htpasswd'] }),
}))

/** As Windows mapped certificates: one to one by issuer and serial number, many to one by a part of the names. */
const certificateRule = mapping(() => ({
  issuer: z
    .string()
    .min(1)
    .optional()
    .describe('Issuer of the certificate, as in `CN=Lab Root, O=Lab`. * stands for any characters.')
    .meta({ examples: ['*O=Partner*'] }),
  subject: z
    .string()
    .min(1)
    .optional()
    .describe('Subject of the certificate. * stands for any characters.')
    .meta({ examples: ['CN=*, OU=Sales, *'] }),
  serialNumber: z
    .string()
    .regex(/^[0-9a-f: ]+$/i, 'is not hexadecimal')
    .optional()
    .describe('Serial number in hexadecimal.')
    .meta({ examples: ['4F:2A:01'] }),
  account: z
    .string()
    .min(1)
    .describe('Account that the certificate logs on to.')
    .meta({ examples: ['alice'] }),
}))
export type CertificateRule = z.output<typeof certificateRule>

export const directory = mapping(() => ({
  mode: z
    .enum(['listed', 'open'])
    .default('listed')
    .describe(
      'listed: only the accounts below can log on. open: any name and password can; the mailbox is created by the first log-on or the first message.',
    ),
  unknown: z
    .enum(['refuse', 'capture', 'create'])
    .default('refuse')
    .describe(
      'Mail for unknown accounts of the lab’s own domain. refuse: 550 5.1.1. capture: it is stored in the lab, as mail for other domains is (`relay`). create: its first message creates the account, also for an address of another domain; the address is the user name and the password.',
    ),
  quota: quota.optional().describe('Quota of each account without a quota of its own, also in an open directory.'),
  accounts: z
    .array(account as z.ZodType<Account, z.input<typeof account>>)
    .default([])
    .describe('Accounts.'),
  accountFiles: z
    .array(accountFile)
    .optional()
    .describe('Files with more accounts. They are read at the start and at each reload.')
    .meta({ examples: [[{ file: 'users.htpasswd', format: 'htpasswd' }]] }),
  certificateMapping: z
    .array(certificateRule)
    .optional()
    .describe(
      'Rules that say which account a client certificate logs on to, by issuer, subject and serial number. The first rule that matches counts. `certificates` of the accounts are tried before the rules, and names in the certificate (UPN, mail address) after them.',
    )
    .meta({ examples: [[{ issuer: '*O=Partner*', subject: 'CN=*, OU=Sales, *', account: 'alice' }]] }),
}))

const capturedName = z
  .string()
  .regex(/^[A-Za-z0-9](?:[\w. -]*[\w.-])?$/, 'write a name of letters, digits, dots, hyphens and spaces')

const capturedMailbox = mapping(() => ({
  name: capturedName.describe('Name of the folder. Several rules can have the same.').meta({ examples: ['sales'] }),
  filters: capturedFilters
    .prefault({})
    .describe('What a message must match. Without filters, every message does.')
    .meta({ examples: [{ to: ['*@sales.example.test'] }] }),
}))

export const captured = mapping(() => ({
  readers: z
    .union([z.literal('all'), z.array(z.string().min(1))])
    .default('all')
    .describe(
      'Accounts that see captured mail, over IMAP4 in `Captured/DOMAIN` and over HTTP: all, or a list of names.',
    ),
  folder: capturedName
    .optional()
    .describe(
      'The one folder for all captured mail, each message once: `Captured/NAME` over IMAP4. Default: a folder for each domain.',
    )
    .meta({ examples: ['all'] }),
  mailboxes: z
    .array(capturedMailbox)
    .default([])
    .describe(
      'Rules that keep captured mail apart: for each recipient, the first rule whose filters match names the folder. Mail that no rule matches is in `folder`.',
    )
    .meta({ examples: [[{ name: 'sales', filters: { to: ['*@sales.example.test'] } }]] }),
  inboxes: z
    .record(z.string().min(1), capturedName)
    .optional()
    .describe('The folder that an account gets as its INBOX with `maildrop: captured`. Default: `folder`.')
    .meta({ examples: [{ alice: 'sales' }] }),
}))
export type Captured = z.output<typeof captured>

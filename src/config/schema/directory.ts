import { z } from 'zod'
import { mailAddress, octets, preload } from './values.ts'

/** How much an account may store. */
export const quota = z
  .strictObject({
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
  })
  .meta({ examples: [{ size: '10MiB', messages: 1000 }] })
export type Quota = z.output<typeof quota>
export type QuotaInput = z.input<typeof quota>

const account = z.strictObject({
  user: z
    .string()
    .min(1)
    .describe('User name.')
    .meta({ examples: ['alice'] }),
  password: z
    .string()
    .describe('Password in clear text.')
    .meta({ examples: ['secret'], writeOnly: true }),
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
  quota: quota
    .optional()
    .describe(
      'How much the account may store. SMTP answers 452 or 552, IMAP4 [OVERQUOTA]; POP3 is not affected. Default: the quota of the directory.',
    ),
  preload,
})

export const directory = z.strictObject({
  mode: z
    .enum(['listed', 'open'])
    .default('listed')
    .describe(
      'listed: only the accounts below can log on. open: any name and password can; the mailbox is created by the first log-on or the first message.',
    ),
  unknown: z
    .enum(['refuse', 'capture'])
    .default('refuse')
    .describe(
      'Mail for unknown accounts of the lab’s own domain. refuse: 550 5.1.1. capture: it is stored in the lab, as mail for other domains is (`relay`).',
    ),
  quota: quota.optional().describe('Quota of each account that has none of its own, also in an open directory.'),
  accounts: z.array(account).default([]).describe('Accounts.'),
})

export const captured = z.strictObject({
  readers: z
    .union([z.literal('all'), z.array(z.string().min(1))])
    .default('all')
    .describe(
      'Accounts that see captured mail, over IMAP4 in `Captured/DOMAIN` and over HTTP: all, or a list of names.',
    ),
})

import { z } from 'zod'
import { mailAddress, preload } from './values.ts'

const account = z.strictObject({
  user: z
    .string()
    .min(1)
    .describe('User name.')
    .meta({ examples: ['alice'] }),
  password: z
    .string()
    .describe('Password in clear text.')
    .meta({ examples: ['secret'] }),
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

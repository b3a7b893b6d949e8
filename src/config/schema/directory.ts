import { z } from 'zod'
import { mailAddress } from './values.ts'

const account = z.strictObject({
  user: z
    .string()
    .min(1)
    .describe('The log-on name.')
    .meta({ examples: ['alice'] }),
  password: z
    .string()
    .describe('The password, in clear: this is a lab.')
    .meta({ examples: ['secret'] }),
  addresses: z
    .array(mailAddress)
    .optional()
    .describe('Mail addresses of the account; user@domain when absent.')
    .meta({ examples: [['alice@lab.test']] }),
  certificates: z
    .array(z.string().min(1))
    .optional()
    .describe('Thumbprints of certificates that log this account on (clientCertificates of the virtual servers).')
    .meta({ examples: [['0123456789ABCDEF0123456789ABCDEF01234567']] }),
  preload: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Messages that are there from the start, if it is empty: a .eml or mbox file, a Maildir, or a folder of .eml files, relative to this file.',
    )
    .meta({ examples: ['mail/inbox.mbox'] }),
})

export const directory = z.strictObject({
  mode: z
    .enum(['listed', 'open'])
    .default('listed')
    .describe('listed: only the accounts below. open: any name and password; the mailbox is made on first use.'),
  accounts: z.array(account).default([]).describe('The accounts.'),
})

import { z } from 'zod'
import { duration } from '../units.ts'
import { mailAddress } from './values.ts'

export const newsgroup = z.strictObject({
  name: z
    .string()
    .regex(/^[^\s,!*?\\[\]/]+$/, 'a newsgroup name has no spaces, commas, slashes or wildmat characters')
    .describe('The name, as `lab.general`.')
    .meta({ examples: ['lab.general'] }),
  description: z
    .string()
    .default('')
    .describe('What LIST NEWSGROUPS says of it.')
    .meta({ examples: ['General talk'] }),
  posting: z.enum(['yes', 'no', 'moderated']).default('yes').describe('Who may post. moderated needs `moderator`.'),
  moderator: mailAddress
    .optional()
    .describe('Address of the moderator of a moderated group.')
    .meta({ examples: ['alice@lab.test'] }),
  access: z
    .enum(['anonymous-read', 'authenticated'])
    .optional()
    .describe('Without logging on: anonymous-read: read only. authenticated: nothing. Default: as the virtual server.')
    .meta({ examples: ['authenticated'] }),
  addresses: z.array(mailAddress).default([]).describe('Mail addresses of the group: mail to them becomes an article.'),
  expireAfter: duration
    .optional()
    .describe('Articles older than this go; their Message-IDs stay known. Default: none goes.')
    .meta({ examples: ['30d'] }),
  keepLatest: z
    .number()
    .int()
    .positive()
    .optional()
    .describe('The latest so many are kept, the others go. Default: all are kept.')
    .meta({ examples: [10_000] }),
  preload: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Messages that are there from the start, if it is empty: a .eml or mbox file, a Maildir, or a folder of .eml files, relative to this file.',
    )
    .meta({ examples: ['mail/inbox.mbox'] }),
  suggested: z.boolean().default(false).describe('Suggested to new readers: LIST SUBSCRIPTIONS.'),
})

import { z } from 'zod'
import { forwardRule } from './connector.ts'
import { captured } from './directory.ts'
import { mailAuthentication } from './mail-authentication.ts'
import { mapping } from './mapping.ts'
import { reports } from './reports.ts'
import { tagging } from './tagging.ts'

/** The key `mail`. */
export const mail = mapping(() => ({
  captured: captured.prefault({}).describe('Mail that the lab captures: for other domains, and for unknown accounts.'),
  tagging: tagging
    .optional()
    .describe('Tags that mail gets when it arrives (keywords of IMAP4). Default: none.')
    .meta({ examples: [{ header: 'X-Tags', plusAddresses: true }] }),
  reports: reports
    .prefault({})
    .describe('Reports that a test asks for: bounces, spam complaints and out-of-office replies. See docs/bounces.md.'),
  authentication: mailAuthentication
    .prefault({})
    .describe('SPF, DKIM, DMARC, ARC and BIMI: how mail that arrives is checked, and how mail that leaves is signed.'),
  forwardRules: z
    .array(forwardRule)
    .default([])
    .describe('Mail for mailboxes of the lab that a connector also sends elsewhere.')
    .meta({ examples: [[{ filters: { to: ['alice@lab.test'] }, to: ['dev@example.test'] }]] }),
  spamFilter: z
    .string()
    .regex(/^(?:spamd|https?):\/\/[^\s]+$/, 'write spamd://HOST:PORT for SpamAssassin, or http://HOST:PORT for rspamd')
    .refine((text) => URL.canParse(text), 'is not a URL')
    .optional()
    .describe(
      'Spam filter that judges messages for the checks of a message: spamd of SpamAssassin (spamd://HOST:PORT, or spamd:///SOCKET), or rspamd (http://HOST:PORT). Default: a few rules of the lab.',
    )
    .meta({ examples: ['spamd://127.0.0.1:783'] }),
}))

import { z } from 'zod'
import { forwardRule } from './connector.ts'
import { captured } from './directory.ts'
import { mailAuthentication } from './mail-authentication.ts'
import { mapping } from './mapping.ts'
import { reports } from './reports.ts'
import { tagging } from './tagging.ts'
import { octets } from './values.ts'

const sieve = mapping(() => ({
  scripts: z.number().int().positive().default(32).describe('Maximum number of scripts of an account.'),
  scriptSize: octets.prefault('64KiB').describe('Largest script, in octets or as 64KiB.'),
}))

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
  sieve: sieve.prefault({}).describe('Limits of the Sieve scripts of accounts. See docs/sieve.md.'),
  authentication: mailAuthentication
    .prefault({})
    .describe('SPF, DKIM, DMARC, ARC and BIMI: how mail that arrives is checked, and how mail that leaves is signed.'),
  forwardRules: z
    .array(forwardRule)
    .default([])
    .describe('Mail for mailboxes of the lab that a connector also sends elsewhere.')
    .meta({ examples: [[{ filters: { to: ['alice@lab.test'] }, to: ['dev@example.test'] }]] }),
  remoteContent: z
    .array(
      z
        .string()
        .regex(
          /^(?:\*|[a-z0-9._-]+(?::\d{1,5})?|\[[0-9a-f:.]+\](?::\d{1,5})?)$/i,
          'write a host such as cdn.example.com, with its port unless it is 80 or 443, or *',
        ),
    )
    .optional()
    .describe(
      'Hosts from which the console shows the images of a message once, when an administrator asks for it. The lab fetches them; the browser does not. With the port, unless it is 80 or 443: cdn.example.com, localhost:8080. `*`: every host of the Internet, but no address of a private network. Default: off.',
    )
    .meta({ examples: [['cdn.example.com', 'localhost:8080']] }),
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

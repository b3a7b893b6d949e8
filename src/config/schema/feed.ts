import { z } from 'zod'
import { duration } from '../units.ts'
import { hostName } from './values.ts'

/** RFC 3977 section 4, in its text form. */
const wildmatText = z.string().regex(/^!?[^\s,!\\[\]]+(,!?[^\s,!\\[\]]+)*$/, 'write a wildmat as lab.*,!lab.private.*')

/** An agreement with another news server. Exchange: replication of public folders between organizations. */
export const feed = z.strictObject({
  peer: hostName.describe('What the peer calls itself in Path.').meta({ examples: ['localhost'] }),
  direction: z
    .enum(['in', 'out', 'both', 'pull'])
    .default('out')
    .describe('in: articles are taken from the peer. out: articles are sent to it. pull: they are fetched by NEWNEWS.'),
  groups: wildmatText.default('*').describe('The newsgroups exchanged, as a wildmat.'),
  addresses: z
    .array(z.string().min(1))
    .default([])
    .describe('in, both: addresses the peer connects from.')
    .meta({ examples: [['127.0.0.1']] }),
  account: z
    .string()
    .min(1)
    .optional()
    .describe('in, both: the account the peer logs on as, instead of or along with its address.')
    .meta({ examples: ['peer'] }),
  host: z
    .string()
    .min(1)
    .optional()
    .describe('out, both, pull: the host connected to. Default: `peer`.')
    .meta({ examples: ['127.0.0.1'] }),
  port: z
    .number()
    .int()
    .min(1)
    .max(65535)
    .optional()
    .describe('Its port. Default: 563 with implicit TLS, else 119. portOffset is not added.')
    .meta({ examples: [563] }),
  tls: z
    .enum(['implicit', 'starttls', 'off'])
    .default('starttls')
    .describe('How the connection to the peer is encrypted: never less than this.'),
  authority: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Who must have issued the peer’s certificate: the name of one of the lab’s authorities, or a PEM file. Default: the lab’s root.',
    )
    .meta({ examples: ['../peer-root.pem'] }),
  user: z
    .string()
    .min(1)
    .optional()
    .describe('Name to log on with at the peer.')
    .meta({ examples: ['sealpost'] }),
  password: z
    .string()
    .optional()
    .describe('The password, in clear.')
    .meta({ examples: ['secret'] }),
  interval: duration
    .prefault('5m')
    .describe('pull: time between two fetches. out, both: longest wait after a failure.'),
})

/** A distribution, and the groups it is suggested for. RFC 3977 section 7.6.5, RFC 6048 section 2.3. */
export const distribution = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9+_-]+$/, 'a distribution is a word, as local')
    .describe('The word in Distribution fields.')
    .meta({ examples: ['local'] }),
  description: z.string().default('').describe('What LIST DISTRIBUTIONS says of it.'),
  groups: wildmatText
    .optional()
    .describe('Newsgroups it is suggested for: LIST DISTRIB.PATS.')
    .meta({ examples: ['lab.*'] }),
  weight: z.number().int().nonnegative().default(1).describe('The greatest weight wins.'),
})

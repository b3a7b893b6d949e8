import { z } from 'zod'
import { mapping } from './mapping.ts'
import { duration } from './values.ts'

/** How senders use the policy. RFC 8461 section 3.2. */
export const mtaStsModes = ['enforce', 'testing', 'none'] as const
export type MtaStsMode = (typeof mtaStsModes)[number]

/** Mistakes that policy hosts make. */
export const mtaStsDefects = [
  'wrong-content-type',
  'wrong-mx',
  'missing-version',
  'missing-mode',
  'missing-mx',
  'missing-max-age',
  'redirect',
  'too-large',
  'not-found',
] as const
export type MtaStsDefect = (typeof mtaStsDefects)[number]

/** Longest life of a policy: about a year. RFC 8461 section 3.2. */
export const MAX_POLICY_AGE_SECONDS = 31_557_600

/** A host name, or `*.` and a domain: hosts one label below it. RFC 8461 section 4.1. */
const mxPattern = z
  .string()
  .regex(/^(?:\*\.)?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/, 'write a host name such as mx.lab.test or *.lab.test')

export const mtaSts = mapping(() => ({
  mode: z
    .enum(mtaStsModes)
    .default('testing')
    .describe(
      'enforce: senders deliver only to the hosts of the policy, by TLS with a valid certificate. testing: senders report failures and deliver. none: the domain has no policy any more.',
    ),
  mx: z
    .array(mxPattern)
    .min(1)
    .optional()
    .describe(
      'Names of MX hosts that the policy allows. The * of `*.lab.test` stands for one label. Default: `hostname`.',
    )
    .meta({ examples: [['mx.lab.test', '*.mail.lab.test']] }),
  maxAge: duration
    .refine((ms) => ms <= MAX_POLICY_AGE_SECONDS * 1000, 'write at most 365d')
    .prefault('1d')
    .describe('How long senders keep the policy (max_age).'),
  defect: z
    .enum(mtaStsDefects)
    .optional()
    .describe(
      'A mistake in the served policy, to test how senders handle it. For a bad certificate, use `certificate` of the http virtual server.',
    )
    .meta({ examples: ['wrong-mx'] }),
})).meta({ examples: [{ mode: 'enforce', mx: ['mx.lab.test'] }] })

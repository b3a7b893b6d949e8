import { z } from 'zod'

/** A program that calls the HTTP API with a token of its own. */
export const token = z.strictObject({
  name: z
    .string()
    .min(1)
    .describe('Name of the token, for the log.')
    .meta({ examples: ['ci'] }),
  role: z
    .enum(['administrator', 'reader', 'tenant'])
    .default('administrator')
    .describe(
      'administrator: everything. reader: reads everything, and changes nothing. tenant: only the accounts whose names begin with the name of the token and a hyphen.',
    ),
  token: z
    .string()
    .min(16)
    .optional()
    .describe('The token itself, at least 16 characters.')
    .meta({ examples: ['change-me-change-me'] }),
  tokenFile: z
    .string()
    .min(1)
    .optional()
    .describe('File whose first line is the token, relative to this file.')
    .meta({ examples: ['../ci.token'] }),
})

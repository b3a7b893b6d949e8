import { z } from 'zod'
import { mapping } from './mapping.ts'

const tagRule = mapping(() => ({
  match: z
    .string()
    .min(1)
    .describe('A search, as in the API: from:shop@example.com, for example. No message is in a folder yet.')
    .meta({ examples: ['subject:invoice'] }),
  tags: z
    .array(z.string().min(1))
    .min(1)
    .describe('The tags of a message that it finds.')
    .meta({ examples: [['Invoice']] }),
}))
export type TagRule = z.output<typeof tagRule>

/** Tags that the lab gives mail when it arrives. */
export const tagging = mapping(() => ({
  header: z
    .string()
    .regex(/^[!-9;-~]+$/, 'write the name of a header field')
    .optional()
    .describe('Header field whose words, separated by commas, become tags.')
    .meta({ examples: ['X-Tags'] }),
  plusAddresses: z
    .boolean()
    .default(false)
    .describe('Whether the part of an address after + becomes a tag: jane+welcome@example.org.'),
  user: z.boolean().default(false).describe('Whether the account that has sent the message becomes a tag.'),
  rules: z
    .array(tagRule)
    .default([])
    .describe('Tags for mail that a search finds.')
    .meta({ examples: [[{ match: 'subject:invoice', tags: ['Invoice'] }]] }),
  titleCase: z.boolean().default(false).describe('Whether words of tags begin with a capital letter.'),
}))
export type Tagging = z.output<typeof tagging>

import { z } from 'zod'
import { mapping } from './mapping.ts'

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
  titleCase: z.boolean().default(false).describe('Whether words of tags begin with a capital letter.'),
}))
export type Tagging = z.output<typeof tagging>

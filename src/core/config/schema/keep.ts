import { z } from 'zod'
import { mapping } from './mapping.ts'
import { duration, octets } from './values.ts'

/** How many messages a folder or newsgroup keeps. */
export const keep = mapping(() => ({
  age: duration
    .optional()
    .describe('Deletes messages that arrived longer ago than this.')
    .meta({ examples: ['30d'] }),
  count: z
    .number()
    .int()
    .positive()
    .optional()
    .describe('Number of newest messages to keep.')
    .meta({ examples: [10_000] }),
  size: octets
    .optional()
    .describe('Total size of the messages. The oldest ones are deleted first.')
    .meta({ examples: ['100MiB'] }),
}))

import { z } from 'zod'
import { duration, octets } from './values.ts'

/** Where messages are stored. */
export const store = z.union([
  z.literal('memory'),
  z.strictObject({
    memory: octets
      .describe('Size limit of the store in memory. When it is full, new messages are refused (SMTP: 452).')
      .meta({ examples: ['256MiB'] }),
  }),
  z.strictObject({
    lmdb: z
      .string()
      .min(1)
      .describe('Folder of the store.')
      .meta({ examples: ['../data'] }),
  }),
])

/** A rule that deletes old messages from some folders. */
export const retention = z
  .strictObject({
    folders: z
      .string()
      .min(1)
      .default('*')
      .describe('Names of folders and newsgroups. * matches any text.')
      .meta({ examples: ['lab.*'] }),
    age: duration
      .optional()
      .describe('Deletes messages that arrived in the folder longer ago than this.')
      .meta({ examples: ['30d'] }),
    count: z
      .number()
      .int()
      .positive()
      .optional()
      .describe('Number of newest messages to keep in each folder.')
      .meta({ examples: [10_000] }),
    size: octets
      .optional()
      .describe('Total size of each folder. The oldest messages are deleted first.')
      .meta({ examples: ['100MiB'] }),
  })
  .refine(({ age, count, size }) => age !== undefined || count !== undefined || size !== undefined, {
    message: 'a retention rule needs an age, a count or a size',
  })

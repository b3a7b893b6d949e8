import { z } from 'zod'
import { duration, octets } from '../units.ts'

/** Where messages are kept. */
export const store = z.union([
  z.literal('memory'),
  z.strictObject({
    memory: octets
      .describe('In memory, so many octets at most; more mail is refused with 452 and its like.')
      .meta({ examples: ['256MiB'] }),
  }),
  z.strictObject({
    lmdb: z
      .string()
      .min(1)
      .describe('The folder.')
      .meta({ examples: ['../data'] }),
  }),
])

/** What is deleted by itself from some folders. */
export const retention = z
  .strictObject({
    folders: z
      .string()
      .min(1)
      .default('*')
      .describe('Names of the folders and newsgroups; * stands for anything.')
      .meta({ examples: ['lab.*'] }),
    age: duration
      .optional()
      .describe('Messages that came into the folder longer ago go.')
      .meta({ examples: ['30d'] }),
    count: z
      .number()
      .int()
      .positive()
      .optional()
      .describe('The latest so many of a folder are kept.')
      .meta({ examples: [10_000] }),
    size: octets
      .optional()
      .describe('The latest of a folder are kept, so many octets together at most.')
      .meta({ examples: ['100MiB'] }),
  })
  .refine(({ age, count, size }) => age !== undefined || count !== undefined || size !== undefined, {
    message: 'a rule of retention needs an age, a count or a size',
  })

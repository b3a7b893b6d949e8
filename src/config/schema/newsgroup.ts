import { z } from 'zod'
import { mailAddress } from './values.ts'

export const newsgroup = z.strictObject({
  name: z
    .string()
    .regex(/^[^\s,!*?\\[\]/]+$/, 'a newsgroup name has no spaces, commas, slashes or wildmat characters')
    .describe('The name, as `lab.general`.')
    .meta({ examples: ['lab.general'] }),
  description: z
    .string()
    .default('')
    .describe('What LIST NEWSGROUPS says of it.')
    .meta({ examples: ['General talk'] }),
  posting: z.enum(['yes', 'no', 'moderated']).default('yes').describe('Who may post. moderated needs `moderator`.'),
  moderator: mailAddress
    .optional()
    .describe('Address of the moderator of a moderated group.')
    .meta({ examples: ['alice@lab.test'] }),
})

import { z } from 'zod'

/** A mail address; without RFC 5322's comments and quoting, with any domain a lab may use (`alice@localhost`). */
export const mailAddress = z.string().regex(/^[^\s@<>,;]+@[^\s@<>,;]+$/, 'write an address as alice@lab.test')

/** A host or domain name. */
export const hostName = z.string().regex(/^[^\s@/:,;]+$/, 'write a name as mail.lab.test')

/** Counts of which `off` means no limit. */
export const countOrOff = z.union([z.literal('off'), z.number().int().positive()])

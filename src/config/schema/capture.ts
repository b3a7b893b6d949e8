import { z } from 'zod'
import { octets } from '../units.ts'

const file = z
  .string()
  .min(1)
  .meta({ examples: ['lab.pcapng'] })

/** Where the octets of connections are captured. */
export const capture = z.union([
  file,
  z.strictObject({
    file: file.describe('The pcapng file, relative to this file. Overwritten at start.'),
    secrets: z.boolean().default(true).describe('Whether TLS secrets go into it, so that Wireshark shows the words.'),
    maxSize: octets.prefault('100MiB').describe('A file that is full is renamed to FILE.1 and begun anew.'),
    maxFiles: z.number().int().positive().default(2).describe('Files kept, the current one included.'),
  }),
])

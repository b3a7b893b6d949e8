import { z } from 'zod'
import { fault } from './fault.ts'
import { auditJobs, verifyJobs } from './http.ts'
import { mapping } from './mapping.ts'
import { packets } from './values.ts'

/** The key `testing`. */
export const testing = mapping(() => ({
  faults: z
    .array(fault)
    .default([])
    .describe('Faults to inject, to test how clients handle errors.')
    .meta({ examples: [[{ when: { verb: 'RCPT' }, do: { reply: '451 4.7.1 Greylisted' }, times: 1 }]] }),
  seed: z
    .number()
    .int()
    .nonnegative()
    .default(823024)
    .describe(
      'Seed of the random numbers that faults use. The same seed and the same clients produce the same faults.',
    ),
  packets: packets
    .optional()
    .describe(
      'Captures the traffic of all virtual servers for Wireshark: FILE (pcapng), memory, or { file, memory, secrets, maxSize, maxFiles }.',
    )
    .meta({ examples: ['lab.pcapng'] }),
  verify: verifyJobs.prefault({}).describe('http: what `POST /api/v1/verify` may examine.'),
  audit: auditJobs.prefault({}).describe('http: where `POST /api/v1/audit` opens bad servers.'),
}))

import { z } from 'zod'
import { mapping } from './mapping.ts'

/** Versions of NTLM's responses, the weakest first. */
const versions = ['lm', 'v1', 'session', 'v2'] as const
export type NtlmVersion = (typeof versions)[number]

/** Returns whether a version is at least as strong as another. */
export const isAtLeast = (version: NtlmVersion, minimum: NtlmVersion): boolean =>
  versions.indexOf(version) >= versions.indexOf(minimum)

export const ntlm = mapping(() => ({
  minVersion: z
    .enum(versions)
    .default('lm')
    .describe(
      'The weakest response that is accepted. lm: all, as Exchange 2003 does. v1: no LM. session: no LM, and NTLMv1 only with a client challenge (NTLM2 session response). v2: only NTLMv2 and LMv2.',
    ),
})).meta({ examples: [{ minVersion: 'v2' }] })
export type NtlmConfig = z.output<typeof ntlm>

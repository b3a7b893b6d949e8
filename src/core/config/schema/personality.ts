import { z } from 'zod'

/** The servers whose words a virtual server can use. `sealpost`: its own. */
export const personalityNames = ['sealpost', 'exchange2003', 'gmail', 'microsoft365', 'dovecot', 'courier'] as const
export type PersonalityName = (typeof personalityNames)[number]

export const personality = z.enum(personalityNames)

/** Why a server refuses passwords, right or wrong, although it offers to take them. */
const passwordRefusals = [
  'basic-authentication',
  'smtp-auth-disabled',
  'security-defaults',
  'application-password',
] as const
export type PasswordRefusal = (typeof passwordRefusals)[number]

export const refusesPasswords = z.enum(['never', ...passwordRefusals])

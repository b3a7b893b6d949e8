import { z } from 'zod'
import { protocols, type ServerProtocol, serverProtocols } from './protocol.ts'

/** The servers whose words a virtual server can use. `sealpost`: its own. */
export const personalityNames = ['sealpost', 'exchange2003', 'gmail', 'microsoft365', 'dovecot', 'courier'] as const
export type PersonalityName = (typeof personalityNames)[number]

/** The protocols whose words each personality changes. */
export const personalityProtocols: Readonly<Record<PersonalityName, readonly ServerProtocol[]>> = {
  sealpost: serverProtocols,
  exchange2003: protocols,
  gmail: ['smtp', 'pop3', 'imap4'],
  microsoft365: ['smtp', 'pop3', 'imap4'],
  dovecot: ['pop3', 'imap4', 'lmtp', 'managesieve'],
  courier: ['smtp', 'pop3', 'imap4'],
}

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

import { z } from 'zod'

/** The servers whose words a virtual server can use. `sealpost`: its own. */
export const personalityNames = ['sealpost', 'exchange2003', 'gmail', 'microsoft365', 'dovecot', 'courier'] as const
export type PersonalityName = (typeof personalityNames)[number]

export const personality = z.enum(personalityNames)

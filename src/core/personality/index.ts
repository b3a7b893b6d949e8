import type { PersonalityName } from '../config/schema/personality.ts'
import { courier } from './courier.ts'
import { dovecot } from './dovecot.ts'
import { exchange2003 } from './exchange2003/index.ts'
import { gmail } from './gmail.ts'
import { microsoft365 } from './microsoft365.ts'
import type { Personality } from './types.ts'

/** Every personality. Sealpost's own words are where its replies are written. docs/personality.md names the sources. */
export const personalities: Readonly<Record<PersonalityName, Personality>> = {
  sealpost: {},
  exchange2003,
  gmail,
  microsoft365,
  dovecot,
  courier,
}

import type { Setting } from '../tool.ts'
import { generalSettings } from './general.ts'
import { httpSettings } from './http.ts'
import { relaySettings } from './relay.ts'
import { smtpSettings } from './smtp.ts'

/** Every variable and flag of MailDev 2 and 3. */
export const maildevSettings: readonly Setting[] = [
  ...smtpSettings,
  ...httpSettings,
  ...relaySettings,
  ...generalSettings,
]

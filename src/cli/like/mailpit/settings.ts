import type { Setting } from '../tool.ts'
import { chaosSettings } from './chaos.ts'
import { generalSettings } from './general.ts'
import { httpSettings } from './http.ts'
import { pop3Settings } from './pop3.ts'
import { relaySettings } from './relay.ts'
import { smtpSettings } from './smtp.ts'
import { tagSettings } from './tags.ts'
import { webhookSettings } from './webhook.ts'

/** Every variable and flag of Mailpit. https://github.com/axllent/mailpit/blob/develop/cmd/root.go */
export const mailpitSettings: readonly Setting[] = [
  ...generalSettings,
  ...httpSettings,
  ...smtpSettings,
  ...relaySettings,
  ...chaosSettings,
  ...pop3Settings,
  ...tagSettings,
  ...webhookSettings,
]

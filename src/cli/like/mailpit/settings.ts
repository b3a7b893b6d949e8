import type { Setting } from '../tool.ts'
import { smtpSettings } from './smtp.ts'

/** Every variable and flag of Mailpit. https://github.com/axllent/mailpit/blob/develop/cmd/root.go */
export const mailpitSettings: readonly Setting[] = [...smtpSettings]

import type { Setting } from '../tool.ts'
import { jimSettings } from './jim.ts'
import { serverSettings } from './servers.ts'

/** Every variable and flag of MailHog. */
export const mailhogSettings: readonly Setting[] = [...serverSettings, ...jimSettings]

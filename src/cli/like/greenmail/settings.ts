import { missingSettings, redundantSettings, setting } from '../rows.ts'
import type { Setting } from '../tool.ts'
import { setupSettings } from './setups.ts'
import { userSettings } from './users.ts'

const NO_KEYSTORE =
  'the lab issues the certificate; import the PKCS#12 file with sealpost cert import, and name it in `certificate`'

/** Every system property of GreenMail. They are in GREENMAIL_OPTS, or after --. */
export const greenmailSettings: readonly Setting[] = [
  ...setupSettings,
  ...userSettings,
  ...missingSettings(
    NO_KEYSTORE,
    '-Dgreenmail.tls.keystore.file',
    '-Dgreenmail.tls.keystore.password',
    '-Dgreenmail.tls.key.password',
  ),
  ...redundantSettings(
    'mail for user+detail@domain goes to user@domain unless user+detail has an account',
    '-Dgreenmail.sieve.ignore.detail!',
  ),
  ...missingSettings('messages are stored as they arrive', '-Dgreenmail.attachments.discard'),
  setting('-Dgreenmail.verbose!', '`logLevel: debug`', ({ draft }) => {
    draft.lab.logLevel = 'debug'
  }),
  ...redundantSettings('the start waits for nothing', '-Dgreenmail.startup.timeout'),
]

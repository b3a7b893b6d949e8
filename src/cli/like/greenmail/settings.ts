import type { Setting } from '../tool.ts'
import { setupSettings } from './setups.ts'
import { userSettings } from './users.ts'

const NO_KEYSTORE =
  'the lab issues the certificate; import the PKCS#12 file with sealpost cert import, and name it in `certificate`'

/** Every system property of GreenMail. They are in GREENMAIL_OPTS, or after --. */
export const greenmailSettings: readonly Setting[] = [
  ...setupSettings,
  ...userSettings,
  { flags: ['-Dgreenmail.tls.keystore.file'], missing: NO_KEYSTORE },
  { flags: ['-Dgreenmail.tls.keystore.password'], missing: NO_KEYSTORE },
  { flags: ['-Dgreenmail.tls.key.password'], missing: NO_KEYSTORE },
  {
    flags: ['-Dgreenmail.sieve.ignore.detail'],
    isSwitch: true,
    always: 'mail for user+detail@domain goes to user@domain unless user+detail has an account',
  },
  { flags: ['-Dgreenmail.attachments.discard'], missing: 'messages are stored as they arrive' },
  {
    flags: ['-Dgreenmail.verbose'],
    isSwitch: true,
    becomes: '`logLevel: debug`',
    apply({ draft }) {
      draft.lab.logLevel = 'debug'
    },
  },
  { flags: ['-Dgreenmail.startup.timeout'], always: 'the start waits for nothing' },
]

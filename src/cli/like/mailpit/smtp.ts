import { accountsOf, serverOf } from '../draft.ts'
import type { Setting } from '../tool.ts'
import { credentialsIn, isOn, listenAt, numberOf } from '../values.ts'

export const smtpSettings: readonly Setting[] = [
  {
    variable: 'MP_SMTP_BIND_ADDR',
    flags: ['--smtp', '-s'],
    becomes: '`address` and `port` of the SMTP virtual server',
    apply: ({ draft, value }) => listenAt(serverOf(draft, 'smtp'), value),
  },
  {
    variable: 'MP_SMTP_AUTH',
    becomes: '`directory.accounts`; clients must log on',
    apply({ draft, value }) {
      accountsOf(draft).push(...credentialsIn(value))
      serverOf(draft, 'smtp').authentication = ['plain', 'login']
    },
  },
  {
    variable: 'MP_SMTP_AUTH_ACCEPT_ANY',
    flags: ['--smtp-auth-accept-any'],
    isSwitch: true,
    becomes: '`directory.mode: open`',
    apply({ draft, value }) {
      if (!isOn(value)) return
      draft.lab.directory = { ...draft.lab.directory, mode: 'open' }
      serverOf(draft, 'smtp').authentication = ['anonymous', 'plain', 'login']
    },
  },
  {
    variable: 'MP_SMTP_MAX_RECIPIENTS',
    flags: ['--smtp-max-recipients'],
    becomes: '`limits.recipients` of the SMTP virtual server',
    apply({ draft, value }) {
      const smtp = serverOf(draft, 'smtp')
      smtp.limits = { ...smtp.limits, recipients: numberOf(value, 1) }
    },
  },
]

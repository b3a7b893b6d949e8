import { addAccounts } from '../accounts.ts'
import { serverOf } from '../draft.ts'
import { useCertificate, useImplicitTls } from '../tls.ts'
import type { Setting } from '../tool.ts'
import { isOn, listenOn, numberOf, portOf } from '../values.ts'

/** What 0 means for the size of messages: the lab always has a limit. */
const MAX_OCTETS = 1024 * 1024 * 1024

export const smtpSettings: readonly Setting[] = [
  {
    variable: 'MAILDEV_SMTP_PORT',
    flags: ['--smtp', '-s'],
    becomes: '`port` of the SMTP virtual server',
    apply({ draft, value }) {
      serverOf(draft, 'smtp').port = portOf(value)
    },
  },
  {
    variable: 'MAILDEV_IP',
    flags: ['--ip'],
    becomes: '`address` of the SMTP virtual server, and of HTTP without MAILDEV_WEB_IP',
    apply({ draft, value, other }) {
      listenOn(serverOf(draft, 'smtp'), value)
      if (other('MAILDEV_WEB_IP') === undefined) listenOn(serverOf(draft, 'http'), value)
    },
  },
  {
    variable: 'MAILDEV_INCOMING_USER',
    flags: ['--incoming-user'],
    becomes: '`directory.accounts`; senders must log on',
    apply({ draft, value, other, origin }) {
      const password = other('MAILDEV_INCOMING_PASS')
      if (password === undefined) throw new Error('needs MAILDEV_INCOMING_PASS too')
      addAccounts(draft, [{ user: value, password }], origin)
      serverOf(draft, 'smtp').authentication = ['plain', 'login']
    },
  },
  { variable: 'MAILDEV_INCOMING_PASS', flags: ['--incoming-pass'], with: ['MAILDEV_INCOMING_USER'] },
  {
    variable: 'MAILDEV_INCOMING_SECURE',
    flags: ['--incoming-secure'],
    isSwitch: true,
    becomes: '`certificate` of the SMTP virtual server, whose port takes TLS only',
    apply(call) {
      if (!isOn(call.value)) return
      const certificate = call.other('MAILDEV_INCOMING_CERT')
      if (certificate === undefined) throw new Error('needs MAILDEV_INCOMING_CERT and MAILDEV_INCOMING_KEY')
      useCertificate({ ...call, value: certificate }, 'smtp', 'MAILDEV_INCOMING_KEY')
      useImplicitTls(serverOf(call.draft, 'smtp'))
    },
  },
  { variable: 'MAILDEV_INCOMING_CERT', flags: ['--incoming-cert'], with: ['MAILDEV_INCOMING_SECURE'] },
  { variable: 'MAILDEV_INCOMING_KEY', flags: ['--incoming-key'], with: ['MAILDEV_INCOMING_SECURE'] },
  {
    variable: 'MAILDEV_HIDE_EXTENSIONS',
    flags: ['--hide-extensions'],
    missing: 'the lab always offers PIPELINING, 8BITMIME and SMTPUTF8, and STARTTLS only with a certificate',
  },
  {
    variable: 'MAILDEV_MAX_MESSAGE_SIZE',
    flags: ['--max-message-size'],
    becomes: '`limits.messageSize` of the SMTP virtual server; 0 is 1 GiB',
    apply({ draft, value }) {
      const smtp = serverOf(draft, 'smtp')
      smtp.limits = { ...smtp.limits, messageSize: numberOf(value) || MAX_OCTETS }
    },
  },
]

import { addAccounts } from '../accounts.ts'
import { serverOf } from '../draft.ts'
import { appliedBy, limit, missingSettings, port, setting } from '../rows.ts'
import type { Setting } from '../tool.ts'
import { listenOn, parseNumber } from '../values.ts'
import { useFiles } from './files.ts'

/** The size of messages for 0, which is no limit in MailDev: the lab always has one. */
const MAX_OCTETS = 1024 * 1024 * 1024

export const smtpSettings: readonly Setting[] = [
  port('MAILDEV_SMTP_PORT --smtp -s', 'smtp'),
  setting(
    'MAILDEV_IP --ip',
    '`address` of the SMTP virtual server, and of HTTP without MAILDEV_WEB_IP',
    ({ draft, value, other }) => {
      listenOn(serverOf(draft, 'smtp'), value)
      if (other('MAILDEV_WEB_IP') === undefined) listenOn(serverOf(draft, 'http'), value)
    },
  ),
  setting(
    'MAILDEV_INCOMING_USER --incoming-user',
    '`directory.accounts`; senders must log on',
    ({ draft, value, other, origin }) => {
      const password = other('MAILDEV_INCOMING_PASS')
      if (password === undefined) throw new Error('needs MAILDEV_INCOMING_PASS too')
      addAccounts(draft, [{ user: value, password }], origin)
      serverOf(draft, 'smtp').authentication = ['plain', 'login']
    },
  ),
  ...appliedBy(['MAILDEV_INCOMING_USER'], 'MAILDEV_INCOMING_PASS --incoming-pass'),
  setting(
    'MAILDEV_INCOMING_SECURE --incoming-secure!',
    '`certificate` of the SMTP virtual server, whose port takes TLS only',
    (call) => useFiles(call, 'smtp', 'MAILDEV_INCOMING'),
  ),
  ...appliedBy(
    ['MAILDEV_INCOMING_SECURE'],
    'MAILDEV_INCOMING_CERT --incoming-cert',
    'MAILDEV_INCOMING_KEY --incoming-key',
  ),
  ...missingSettings(
    'the lab always offers PIPELINING, 8BITMIME and SMTPUTF8, and STARTTLS only with a certificate',
    'MAILDEV_HIDE_EXTENSIONS --hide-extensions',
  ),
  setting(
    'MAILDEV_MAX_MESSAGE_SIZE --max-message-size',
    '`limits.messageSize` of the SMTP virtual server; 0 is 1 GiB',
    ({ draft, value }) => {
      limit(serverOf(draft, 'smtp'), { messageSize: parseNumber(value) || MAX_OCTETS })
    },
  ),
]

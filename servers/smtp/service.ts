import type { ProtocolService } from '../service.ts'
import { SmtpSession } from './session.ts'

/** SMTP. RFC 5321 with the extensions that `commands/ehlo.ts` announces. */
export const smtp: ProtocolService = {
  protocol: 'smtp',
  alpn: ['smtp', 'esmtp'],
  serve: (connection, context) => new SmtpSession(connection, context).serve(),
  busy: ({ hostname }) => `421 4.3.2 ${hostname} too many connections, try again later`,
}

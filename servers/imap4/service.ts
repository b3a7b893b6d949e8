import type { ProtocolService } from '../service.ts'
import { Session } from './session.ts'

/** IMAP4rev1 and IMAP4rev2. RFC 3501, RFC 9051. */
export const imap4: ProtocolService = {
  protocol: 'imap4',
  alpn: ['imap'],
  serve: (connection, context) => new Session(connection, context).serve(),
  busy: () => '* BYE [UNAVAILABLE] too many connections',
}

import type { ProtocolService } from '../service.ts'
import { Pop3Session } from './session.ts'

/** POP3. RFC 1939, with RFC 2449 (CAPA), RFC 2595 (STLS), RFC 3206 (AUTH response code), RFC 5034 (SASL). */
export const pop3: ProtocolService = {
  protocol: 'pop3',
  alpn: ['pop3'],
  serve: (connection, context) => new Pop3Session(connection, context).serve(),
  busy: () => '-ERR [SYS/TEMP] too many connections, try again later',
}

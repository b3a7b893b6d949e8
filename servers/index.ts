import type { ServerProtocol } from '../src/config/schema.ts'
import { http } from './http/session.ts'
import { imap4 } from './imap4/session.ts'
import { nntp } from './nntp/session.ts'
import { pop3 } from './pop3/session.ts'
import type { ProtocolService } from './service.ts'
import { smtp } from './smtp/session.ts'

/** The service of every protocol. */
export const services: Readonly<Record<ServerProtocol, ProtocolService>> = { smtp, pop3, imap4, nntp, http }

import type { Protocol } from '../../config/schema.ts'
import { imap4 } from './imap4.ts'
import { nntp } from './nntp.ts'
import { pop3 } from './pop3.ts'
import type { ProtocolRow } from './row.ts'
import { smtp } from './smtp.ts'

/** One row a protocol. */
export const protocolRows: Readonly<Record<Protocol, ProtocolRow>> = { smtp, pop3, imap4, nntp }

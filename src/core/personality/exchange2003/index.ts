import type { Personality } from '../types.ts'
import { imap4 } from './imap4.ts'
import { nntp } from './nntp.ts'
import { pop3 } from './pop3.ts'
import { smtp } from './smtp.ts'

/** Microsoft Exchange Server 2003 with Service Pack 2, on Windows Server 2003. */
export const exchange2003: Personality = { smtp, pop3, imap4, nntp }

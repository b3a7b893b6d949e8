import { inTransaction } from '../command.ts'

/** STAT: how many messages, how many octets. RFC 1939 section 5. */
export const stat = inTransaction({ name: 'STAT', run: (maildrop) => `${maildrop.count} ${maildrop.octets}` })

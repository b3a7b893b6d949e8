import { messageNumber } from '../arguments.ts'
import { inTransaction } from '../command.ts'

/** RETR msg: the message, octet for octet. RFC 1939 section 5. */
export const retr = inTransaction({
  name: 'RETR',
  parse: messageNumber,
  async run(maildrop, number) {
    const { sizeOctets } = maildrop.entry(number)
    return { text: `${sizeOctets} octets`, message: await maildrop.message(number) }
  },
})

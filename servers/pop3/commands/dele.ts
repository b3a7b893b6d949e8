import { messageNumber } from '../arguments.ts'
import { inTransaction } from '../command.ts'

/** DELE msg: marks it; QUIT takes it away. RFC 1939 section 5. */
export const dele = inTransaction({
  name: 'DELE',
  parse: messageNumber,
  run(maildrop, number) {
    maildrop.markDeleted(number)
    return `message ${number} deleted`
  },
})

import { inTransaction } from '../command.ts'

/** RSET: nothing is marked as deleted any more. RFC 1939 section 5. */
export const rset = inTransaction({
  name: 'RSET',
  run(maildrop) {
    maildrop.unmarkAll()
    return `${maildrop.count} messages (${maildrop.octets} octets)`
  },
})

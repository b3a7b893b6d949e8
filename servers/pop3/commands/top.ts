import { messageAndLines } from '../arguments.ts'
import { inTransaction } from '../command.ts'

/** TOP msg n: the header and the first n lines of the body. RFC 1939 section 7. */
export const top = inTransaction({
  name: 'TOP',
  parse: messageAndLines,
  run: async (maildrop, { message, lines }) => ({
    text: 'top of message follows',
    message: await maildrop.top(message, lines),
  }),
})

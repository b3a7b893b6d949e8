import { inTransaction, messageAndLines, messageNumber, optionalMessageNumber } from '../command.ts'
import { type Maildrop, sentOctets } from '../maildrop.ts'

/** STAT: the number of messages and their octets. RFC 1939 section 5. */
export const stat = inTransaction({ name: 'STAT', run: (maildrop) => `${maildrop.count} ${maildrop.octets}` })

/** LIST [msg]: the size of one message or of all. RFC 1939 section 5. */
export const list = inTransaction({
  name: 'LIST',
  parse: optionalMessageNumber,
  run(maildrop, number) {
    if (number !== undefined) return `${number} ${sentOctets(maildrop.entry(number))}`
    return { text: maildrop.summary, lines: scanListing(maildrop) }
  },
})

function* scanListing(maildrop: Maildrop): Generator<string, void, void> {
  for (const [number, entry] of maildrop.messages()) yield `${number} ${sentOctets(entry)}`
}

/** UIDL [msg]: the unique id of one message or of all. RFC 1939 section 7. */
export const uidl = inTransaction({
  name: 'UIDL',
  parse: optionalMessageNumber,
  run(maildrop, number) {
    if (number !== undefined) return `${number} ${maildrop.uniqueId(maildrop.entry(number))}`
    return { text: 'unique-id listing follows', lines: uniqueIds(maildrop) }
  },
})

function* uniqueIds(maildrop: Maildrop): Generator<string, void, void> {
  for (const [number, entry] of maildrop.messages()) yield `${number} ${maildrop.uniqueId(entry)}`
}

/** RETR msg: the message, octet for octet. RFC 1939 section 5. */
export const retr = inTransaction({
  name: 'RETR',
  parse: messageNumber,
  async run(maildrop, number, { context }) {
    const entry = maildrop.entry(number)
    const message = await maildrop.message(number)
    context.histories.read(maildrop.folder, [entry], maildrop)
    return {
      text: `${sentOctets(Buffer.isBuffer(message) ? { ...entry, sizeOctets: message.length } : entry)} octets`,
      message,
    }
  },
})

/** TOP msg n: the header and the first n lines of the body. RFC 1939 section 7. */
export const top = inTransaction({
  name: 'TOP',
  parse: messageAndLines,
  run: async (maildrop, { message, lines }) => ({
    text: 'top of message follows',
    message: await maildrop.top(message, lines),
  }),
})

/** DELE msg: marks a message as deleted; QUIT removes it. RFC 1939 section 5. */
export const dele = inTransaction({
  name: 'DELE',
  parse: messageNumber,
  run(maildrop, number) {
    maildrop.markDeleted(number)
    return `message ${number} deleted`
  },
})

/** RSET: unmarks all messages. RFC 1939 section 5. */
export const rset = inTransaction({
  name: 'RSET',
  run(maildrop) {
    maildrop.unmarkAll()
    return maildrop.summary
  },
})

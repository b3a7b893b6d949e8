import { optionalMessageNumber } from '../arguments.ts'
import { inTransaction } from '../command.ts'
import type { Maildrop } from '../maildrop.ts'

/** UIDL [msg]: names that stay. RFC 1939 section 7. */
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

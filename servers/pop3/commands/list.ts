import { optionalMessageNumber } from '../arguments.ts'
import { inTransaction } from '../command.ts'
import type { Maildrop } from '../maildrop.ts'

/** LIST [msg]: sizes. RFC 1939 section 5. */
export const list = inTransaction({
  name: 'LIST',
  parse: optionalMessageNumber,
  run(maildrop, number) {
    if (number !== undefined) return `${number} ${maildrop.entry(number).sizeOctets}`
    return { text: `${maildrop.count} messages (${maildrop.octets} octets)`, lines: scanListing(maildrop) }
  },
})

function* scanListing(maildrop: Maildrop): Generator<string, void, void> {
  for (const [number, { sizeOctets }] of maildrop.messages()) yield `${number} ${sizeOctets}`
}

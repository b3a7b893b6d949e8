import type { TagRule } from '../../core/config/schema/tagging.ts'
import { joinPieces } from '../../core/octets/pieces.ts'
import { readable } from '../../mail/format/readable.ts'
import { CAPTURED_OWNER } from '../../storage/store/folder.ts'
import type { Delivery } from '../../transport/delivery/types.ts'
import { readMessageFacts } from './message-facts.ts'
import type { IndexedMessage } from './message-index.ts'
import { type Known, meetsAll, parseQuery } from './search.ts'

/** Returns the tags that rules give a message that arrives. */
export type RuleTags = (delivery: Delivery) => Promise<string[]>

/** Reads rules for tags. @throws Error that names a rule whose search cannot be read */
export function openTagRules(rules: readonly TagRule[]): RuleTags {
  const opened = rules.map(({ match, tags }, at) => {
    try {
      return { conditions: parseQuery(match, undefined, true), tags }
    } catch (cause) {
      throw new Error(`mail.tagging.rules[${at}].match: ${(cause as Error).message}`, { cause })
    }
  })
  return async (delivery) => {
    const known = await knownOf(delivery)
    return opened.flatMap(({ conditions, tags }) => (meetsAll(conditions, known) ? tags : []))
  }
}

async function knownOf(delivery: Delivery): Promise<Known> {
  const read = readable(joinPieces(delivery.message))
  const recipients = delivery.recipients.map(({ address }) => address)
  const message = arrivingMessage(delivery, read.raw.length)
  return { message, read, facts: await readMessageFacts(read), recipients: () => recipients }
}

/** Returns a message that is in no folder yet. */
const arrivingMessage = ({ mailFrom, octets, at = 0 }: Delivery, length: number): IndexedMessage => ({
  id: '',
  order: 0,
  folder: { id: '', owner: CAPTURED_OWNER, name: '', uidValidity: 0 },
  entry: {
    uid: 0,
    blob: '',
    sizeOctets: octets ?? length,
    internalDate: at,
    savedAt: at,
    flags: [],
    modSeq: 0,
    envelope: { mailFrom },
  },
})

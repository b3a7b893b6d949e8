import type { TagRule } from '../../core/config/schema/tagging.ts'
import { joinPieces } from '../../core/octets/pieces.ts'
import { readable } from '../../mail/format/readable.ts'
import { CAPTURED_OWNER } from '../../storage/store/types.ts'
import type { Delivery } from '../../transport/delivery/types.ts'
import { factsOf } from './message-facts.ts'
import type { IndexedMessage } from './message-index.ts'
import { type Condition, parseQuery } from './search.ts'

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
    const matches = await matcherOfArrival(delivery)
    return opened.flatMap(({ conditions, tags }) => (conditions.every(matches) ? tags : []))
  }
}

async function matcherOfArrival(delivery: Delivery): Promise<(condition: Condition) => boolean> {
  const read = readable(joinPieces(delivery.message))
  const facts = await factsOf(read)
  const recipients = delivery.recipients.map(({ address }) => address)
  const arriving = arrivingMessage(delivery, read.raw.length)
  return ({ ofEntry, ofFacts, ofHeaders, negated }) =>
    (ofEntry?.(arriving) ?? ofFacts?.(facts, () => recipients) ?? ofHeaders?.(read.headers) ?? false) !== negated
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

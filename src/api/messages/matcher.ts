import type { MessageReads, MessageSource } from '../../storage/store/types.ts'
import type { FactsReader, MessageFacts } from './message-facts.ts'
import type { IndexedMessage } from './message-index.ts'
import { type Condition, type Known, meetsAll } from './search.ts'

/**
 * Tests whether a message meets all conditions. Returns synchronously if the message need not be read.
 * @param source where it is read. Default: the store
 */
export type Matcher = (message: IndexedMessage, source?: MessageReads) => boolean | Promise<boolean>

/** Returns the recipients of a message's envelope that the searcher sees. */
export type RecipientsOf = (message: IndexedMessage, facts: MessageFacts) => readonly string[]

interface MatcherOptions {
  /** Whether all messages are tested in turn. */
  readonly isScan?: boolean
  /** Default: all recipients. */
  readonly recipientsOf?: RecipientsOf
}

/** Returns the test of some conditions. What needs no reading is tested first. */
export function matcherOf(
  reader: FactsReader,
  conditions: readonly Condition[],
  { isScan = false, recipientsOf = ({ entry }) => entry.envelope?.rcptTo ?? [] }: MatcherOptions = {},
): Matcher {
  const ofEntry = conditions.filter((one) => one.ofEntry)
  const ofFacts = conditions.filter((one) => one.ofFacts)
  const ofMessage = conditions.filter((one) => one.ofMessage)
  const known = (message: IndexedMessage, facts: MessageFacts): Known => {
    return { message, facts, recipients: () => recipientsOf(message, facts) }
  }
  const meetsAfterReading = async (message: IndexedMessage, source?: MessageReads): Promise<boolean> => {
    const facts = await reader.facts(message, { source, isScan })
    if (!facts || !meetsAll(ofFacts, known(message, facts))) return false
    if (ofMessage.length === 0) return true
    const whole = await reader.use(
      message,
      ({ read }) => meetsAll(ofMessage, { ...known(message, facts), read }),
      source,
    )
    return whole ?? false
  }
  return (message, source) => {
    if (!meetsAll(ofEntry, { message })) return false
    if (ofFacts.length + ofMessage.length === 0) return true
    const held: MessageFacts | undefined = reader.held(message)
    if (!held) return meetsAfterReading(message, source)
    if (!meetsAll(ofFacts, known(message, held))) return false
    return ofMessage.length === 0 || meetsAfterReading(message, source)
  }
}

/**
 * Returns a source for messages that are tested one after the other.
 * @param conditions those of the test
 */
export function aheadOfTests(
  reader: FactsReader,
  conditions: readonly Condition[],
  messages: Iterable<IndexedMessage>,
): MessageSource {
  const ofEntry = conditions.filter((one) => one.ofEntry)
  const readsWhole = conditions.some(({ ofMessage }) => ofMessage)
  const readsFacts = conditions.some(({ ofFacts }) => ofFacts)
  return reader.ahead(
    messages,
    (message) => meetsAll(ofEntry, { message }) && (readsWhole || (readsFacts && !reader.held(message))),
  )
}

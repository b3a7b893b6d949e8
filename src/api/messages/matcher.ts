import type { MessageReads, MessageSource } from '../../storage/store/types.ts'
import type { MessageFacts, MessageReader } from './message-facts.ts'
import type { IndexedMessage } from './message-index.ts'
import type { Condition } from './search.ts'

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
  reader: MessageReader,
  conditions: readonly Condition[],
  { isScan = false, recipientsOf = ({ entry }) => entry.envelope?.rcptTo ?? [] }: MatcherOptions = {},
): Matcher {
  const ofEntry = testsOf(conditions, ({ ofEntry }) => ofEntry)
  const ofFacts = testsOf(
    conditions,
    ({ ofFacts: test }) =>
      test &&
      (([facts, message]: readonly [MessageFacts, IndexedMessage]) => test(facts, () => recipientsOf(message, facts))),
  )
  const ofHeaders = testsOf(conditions, ({ ofHeaders }) => ofHeaders)
  const meetsAfterReading = async (message: IndexedMessage, source?: MessageReads): Promise<boolean> => {
    const facts = await reader.facts(message, { source, isScan })
    if (!facts || !meetsAll(ofFacts, [facts, message])) return false
    if (ofHeaders.length === 0) return true
    return (await reader.use(message, ({ read }) => meetsAll(ofHeaders, read.headers), source)) ?? false
  }
  return (message, source) => {
    if (!meetsAll(ofEntry, message)) return false
    if (ofFacts.length + ofHeaders.length === 0) return true
    const held: MessageFacts | undefined = reader.held(message)
    if (!held) return meetsAfterReading(message, source)
    if (!meetsAll(ofFacts, [held, message])) return false
    return ofHeaders.length === 0 || meetsAfterReading(message, source)
  }
}

/**
 * Returns a source for messages that are tested one after the other.
 * @param conditions those of the test
 */
export function aheadOfTests(
  reader: MessageReader,
  conditions: readonly Condition[],
  messages: Iterable<IndexedMessage>,
): MessageSource {
  const ofEntry = testsOf(conditions, ({ ofEntry }) => ofEntry)
  const readsHeaders = conditions.some(({ ofHeaders }) => ofHeaders)
  const readsFacts = conditions.some(({ ofFacts }) => ofFacts)
  return reader.ahead(
    messages,
    (message) => meetsAll(ofEntry, message) && (readsHeaders || (readsFacts && !reader.held(message))),
  )
}

interface Tested<T> {
  readonly test: (value: T) => boolean
  readonly negated: boolean
}

const testsOf = <T>(
  conditions: readonly Condition[],
  testOf: (condition: Condition) => ((value: T) => boolean) | undefined,
): Tested<T>[] =>
  conditions.flatMap((condition) => {
    const test = testOf(condition)
    return test ? [{ test, negated: condition.negated }] : []
  })

function meetsAll<T>(tests: readonly Tested<T>[], value: T): boolean {
  for (const { test, negated } of tests) if (test(value) === negated) return false
  return true
}

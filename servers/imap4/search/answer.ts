import type { MessageEntry } from '../../../src/storage/store/message-entry.ts'
import type { Selection } from '../selection.ts'
import type { SearchReturn } from '../wire/search-request.ts'
import { formatNumbers, formatPartial, partialOf } from '../wire/sequence-set.ts'

/** The messages that a search found. */
interface Answer {
  readonly tag: string
  readonly byUid: boolean
  /** In the order of the response: ascending, or sorted. */
  readonly indexes: readonly number[]
  readonly showsModSeq: boolean
}

/** Returns the messages' uids, or their sequence numbers. */
function numbersOf({ messages }: Selection, indexes: readonly number[], byUid: boolean): number[] {
  return indexes.map((index) => (byUid ? (messages.at(index) as MessageEntry).uid : index + 1))
}

/** Returns `* SEARCH 2 84 882 (MODSEQ 917)`. RFC 3501 section 7.2.5; RFC 7162 section 3.1.5. */
export function searchResponse(
  selection: Selection,
  name: 'SEARCH' | 'SORT',
  { byUid, indexes, showsModSeq }: Answer,
): string {
  const numbers = numbersOf(selection, indexes, byUid)
  const modSeq = showsModSeq && indexes.length > 0 ? ` (MODSEQ ${highestModSeq(selection, indexes)})` : ''
  return `* ${[name, ...numbers].join(' ')}${modSeq}\r\n`
}

/** Returns `* ESEARCH (TAG "a1") UID MIN 7 COUNT 3`. RFC 4731 section 3; RFC 9051 section 7.3.6. */
export function esearchResponse(selection: Selection, wanted: SearchReturn, answer: Answer): string {
  const { options, partial } = wanted
  const { indexes, byUid } = answer
  const numbers = numbersOf(selection, indexes, byUid)
  const [first] = numbers
  const parts = [`* ESEARCH (TAG "${answer.tag}")`, ...(byUid ? ['UID'] : [])]
  // An empty result reports its count only. RFC 4731 section 3.1
  if (first !== undefined) {
    if (options.has('MIN')) parts.push(`MIN ${first}`)
    if (options.has('MAX')) parts.push(`MAX ${numbers.at(-1)}`)
    if (options.has('ALL')) parts.push(`ALL ${formatNumbers(numbers)}`)
  }
  if (options.has('COUNT')) parts.push(`COUNT ${numbers.length}`)
  if (partial) parts.push(`PARTIAL (${formatPartial(partial)} ${formatNumbers(partialOf(numbers, partial)) || 'NIL'})`) // RFC 9394
  if (answer.showsModSeq && first !== undefined)
    parts.push(`MODSEQ ${highestModSeq(selection, reportedIndexes(wanted, indexes))}`)
  return `${parts.join(' ')}\r\n`
}

/**
 * Returns the messages that a result reports and saves: all of them, or only the first and the last if the client asks
 * for MIN or MAX and neither ALL nor COUNT. RFC 4731 section 3.2; RFC 5182 section 2.1.
 */
function reportedIndexes({ options, partial }: SearchReturn, indexes: readonly number[]): number[] {
  const endsOnly = (options.has('MIN') || options.has('MAX')) && !options.has('ALL') && !options.has('COUNT')
  if (partial && !options.has('COUNT') && !endsOnly) return partialOf(indexes, partial)
  if (!endsOnly) return [...indexes]
  const ends = [...(options.has('MIN') ? indexes.slice(0, 1) : []), ...(options.has('MAX') ? indexes.slice(-1) : [])]
  return [...new Set(ends)]
}

function highestModSeq({ messages }: Selection, indexes: readonly number[]): number {
  return indexes.reduce((highest, index) => Math.max(highest, (messages.at(index) as MessageEntry).modSeq), 0)
}

/**
 * Saves the result if the client asks for that. Returns true if it asks for nothing else, so that no response is sent.
 * RFC 5182 section 2.1.
 */
export function saveResult(selection: Selection, wanted: SearchReturn, indexes: readonly number[]): boolean {
  if (!wanted.options.has('SAVE')) return false
  const uids = reportedIndexes(wanted, indexes).map((index) => selection.messages.at(index)?.uid ?? 0)
  selection.saved = uids.sort((a, b) => a - b)
  return wanted.options.size === 1 && !wanted.partial
}

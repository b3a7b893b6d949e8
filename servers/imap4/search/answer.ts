import type { MessageEntry } from '../../../src/store/types.ts'
import type { Selection } from '../selection.ts'
import type { SearchReturn } from '../wire/search-request.ts'
import { formatNumbers, partialForm, partialOf } from '../wire/sequence-set.ts'

export interface Answer {
  readonly tag: string
  readonly byUid: boolean
  /** In the order to be told: ascending, or sorted. */
  readonly indexes: readonly number[]
  readonly tellsModSeq: boolean
}

/** Sequence numbers or uids. */
export function numbersOf({ messages }: Selection, indexes: readonly number[], byUid: boolean): number[] {
  return indexes.map((index) => (byUid ? (messages[index] as MessageEntry).uid : index + 1))
}

/** `* SEARCH 2 84 882 (MODSEQ 917)`. RFC 3501 section 7.2.5; RFC 7162 section 3.1.5. */
export function plainAnswer(
  selection: Selection,
  name: 'SEARCH' | 'SORT',
  { byUid, indexes, tellsModSeq }: Answer,
): string {
  const numbers = numbersOf(selection, indexes, byUid)
  const modSeq = tellsModSeq && indexes.length > 0 ? ` (MODSEQ ${highestModSeq(selection, indexes)})` : ''
  return `* ${[name, ...numbers].join(' ')}${modSeq}\r\n`
}

/** `* ESEARCH (TAG "a1") UID MIN 7 COUNT 3`. RFC 4731 section 3; RFC 9051 section 7.3.6. */
export function extendedAnswer(selection: Selection, wanted: SearchReturn, answer: Answer): string {
  const { options, partial } = wanted
  const { indexes, byUid } = answer
  const numbers = numbersOf(selection, indexes, byUid)
  const [first] = numbers
  const parts = [`* ESEARCH (TAG "${answer.tag}")`, ...(byUid ? ['UID'] : [])]
  // Of no result nothing is told but its count. RFC 4731 section 3.1
  if (first !== undefined) {
    if (options.has('MIN')) parts.push(`MIN ${first}`)
    if (options.has('MAX')) parts.push(`MAX ${numbers.at(-1)}`)
    if (options.has('ALL')) parts.push(`ALL ${formatNumbers(numbers)}`)
  }
  if (options.has('COUNT')) parts.push(`COUNT ${numbers.length}`)
  if (partial) parts.push(`PARTIAL (${partialForm(partial)} ${formatNumbers(partialOf(numbers, partial)) || 'NIL'})`) // RFC 9394
  if (answer.tellsModSeq && first !== undefined)
    parts.push(`MODSEQ ${highestModSeq(selection, toldOf(wanted, indexes))}`)
  return `${parts.join(' ')}\r\n`
}

/** Which messages a result is about: the ends alone where nothing more is asked. RFC 4731 section 3.2; RFC 5182 section 2.1. */
export function toldOf({ options, partial }: SearchReturn, indexes: readonly number[]): number[] {
  const endsOnly = (options.has('MIN') || options.has('MAX')) && !options.has('ALL') && !options.has('COUNT')
  if (partial && !options.has('COUNT') && !endsOnly) return partialOf(indexes, partial)
  if (!endsOnly) return [...indexes]
  const ends = [...(options.has('MIN') ? indexes.slice(0, 1) : []), ...(options.has('MAX') ? indexes.slice(-1) : [])]
  return [...new Set(ends)]
}

function highestModSeq({ messages }: Selection, indexes: readonly number[]): number {
  return indexes.reduce((highest, index) => Math.max(highest, (messages[index] as MessageEntry).modSeq), 0)
}

/** Saves a result where that is asked for. Returns whether it was all that was asked for: then nothing is answered. RFC 5182 section 2.1. */
export function saveFound(selection: Selection, wanted: SearchReturn, indexes: readonly number[]): boolean {
  if (!wanted.options.has('SAVE')) return false
  const uids = toldOf(wanted, indexes).map((index) => selection.messages[index]?.uid ?? 0)
  selection.saved = uids.sort((a, b) => a - b)
  return wanted.options.size === 1 && !wanted.partial
}

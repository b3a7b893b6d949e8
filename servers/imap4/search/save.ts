import type { Selection } from '../selection.ts'
import type { SearchReturn } from '../wire/search-request.ts'
import { toldOf } from './answer.ts'

/** Saves a result where that is asked for. Returns whether it was all that was asked for: then nothing is answered. RFC 5182 section 2.1. */
export function saveFound(selection: Selection, wanted: SearchReturn, indexes: readonly number[]): boolean {
  if (!wanted.options.has('SAVE')) return false
  const uids = toldOf(wanted, indexes).map((index) => selection.messages[index]?.uid ?? 0)
  selection.saved = uids.sort((a, b) => a - b)
  return wanted.options.size === 1 && !wanted.partial
}

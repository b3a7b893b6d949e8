import { bad } from '../reply.ts'
import type { Cursor } from './cursor.ts'
import { type PartialRange, partialRange } from './partial-range.ts'

/** RFC 7162 section 3.1.4; RFC 9394 section 3.3. */
export interface FetchModifiers {
  readonly changedSince?: number
  readonly vanished?: true
  readonly partial?: PartialRange
}

/** `(CHANGEDSINCE n VANISHED)`, `(PARTIAL 1:10)` */
export function fetchModifiers(cursor: Cursor): FetchModifiers {
  let modifiers: FetchModifiers = {}
  cursor.list(() => {
    const name = cursor.keyword()
    if (name === 'VANISHED') {
      modifiers = { ...modifiers, vanished: true }
      return
    }
    cursor.space()
    if (name === 'CHANGEDSINCE') modifiers = { ...modifiers, changedSince: cursor.number64() }
    else if (name === 'PARTIAL') modifiers = { ...modifiers, partial: partialRange(cursor) }
    else throw bad(`unknown FETCH modifier ${name}`)
  })
  // RFC 7162 section 3.2.6
  if (modifiers.vanished && modifiers.changedSince === undefined) throw bad('VANISHED needs CHANGEDSINCE')
  return modifiers
}

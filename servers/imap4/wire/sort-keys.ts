import { bad } from '../reply.ts'
import type { Cursor } from './cursor.ts'

export const sortKeyNames = ['ARRIVAL', 'CC', 'DATE', 'FROM', 'SIZE', 'SUBJECT', 'TO'] as const
export type SortKeyName = (typeof sortKeyNames)[number]

export interface SortKey {
  readonly name: SortKeyName
  readonly reverse: boolean
}

/** `(REVERSE DATE SUBJECT)`. RFC 5256 section 5. */
export function sortKeys(cursor: Cursor): SortKey[] {
  return cursor.list(() => {
    const reverse = cursor.take('REVERSE ')
    const word = cursor.keyword()
    const name = sortKeyNames.find((known) => known === word)
    if (!name) throw bad(`unknown sort key ${word}`)
    return { name, reverse }
  })
}

import type { Folder, Origin, StoreEvent } from '../types.ts'
import type { ValueChanges, ValueSpace } from '../value-types.ts'

/** Returns the modification sequence that a change of values gets; undefined if they do not belong to messages. */
export const modSeqOfChange = ({ kind }: ValueSpace, next: number): number | undefined =>
  kind === 'seen' ? next : undefined

/** Returns the event of a change of values. */
export const valuesEvent = (
  folder: Folder,
  { kind, reader }: ValueSpace,
  { changes, modSeq, origin }: { changes: ValueChanges; modSeq: number | undefined; origin: Origin | undefined },
): StoreEvent => ({
  type: 'values',
  folder,
  kind,
  names: [...changes.keys()],
  ...(reader !== undefined && { reader }),
  ...(modSeq !== undefined && { modSeq }),
  ...(origin && { origin }),
})

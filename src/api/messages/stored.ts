import { z } from 'zod'
import type { StoredMessage } from '../../storage/store/message-entry.ts'
import { type Caller, seesFolder, seesMessage } from '../caller.ts'
import { messageId } from './message-index.ts'

/** Ids of one answer. */
const MAX_IDS = 1_000

/** The messages that a request has stored, in its answer. */
export const storedIds = z
  .array(z.string())
  .describe(`Ids of the stored messages that the caller sees, each copy of its own; at most ${MAX_IDS}.`)

/** Returns the ids of the messages that a caller sees. @param known how many the answer has already */
export const idsSeenBy = (caller: Caller, stored: readonly StoredMessage[], known = 0): string[] =>
  stored
    .filter(({ folder, entry }) => seesFolder(caller, folder) && seesMessage(caller, folder, entry))
    .slice(0, Math.max(0, MAX_IDS - known))
    .map(({ folder, entry }) => messageId(folder.id, entry.uid))

/** Returns where the first of the stored messages is; undefined if the caller sees none. */
export function locationOfFirst(result: unknown): string | undefined {
  const [first] = (result as { readonly ids: readonly string[] }).ids
  return first === undefined ? undefined : `/messages/${encodeURIComponent(first)}`
}

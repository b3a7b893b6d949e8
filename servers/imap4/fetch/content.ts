import type { ParsedMessage } from '../../../src/mail/parse-cache.ts'
import type { MessageEntry } from '../../../src/store/types.ts'
import { parseCacheOf } from '../parse-caches.ts'
import type { Selection } from '../selection.ts'
import type { Session } from '../session.ts'

/** A message's octets, and what has been found out about them. */
export interface Content {
  readonly raw: Buffer
  readonly parsed: ParsedMessage
}

/** Undefined once the message is expunged. */
export async function contentOf(
  { context }: Session,
  { folder }: Selection,
  { uid, blob }: MessageEntry,
): Promise<Content | undefined> {
  const raw = await context.store.read(folder.id, uid)
  return raw && { raw, parsed: parseCacheOf(context.store).get(blob) }
}

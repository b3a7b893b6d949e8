import { headerFieldAt } from '../../../mail/format/headers.ts'
import { StoreError } from '../../../storage/store/errors.ts'
import type { MessageStore } from '../../../storage/store/types.ts'
import type { Item } from './item.ts'

/** The octets of a queued message as another host gets them. */
export interface SentOctets {
  readonly message: () => AsyncIterable<Buffer>
  readonly sizeOctets: number
}

/** Longest Return-Path field that is looked for: an address has at most 256 octets (RFC 5321 section 4.5.3.1.3). */
const RETURN_PATH_OCTETS = 4096

/**
 * Returns what is sent of a queued message: without the Return-Path, which only the last server adds (RFC 5321 section
 * 4.4), and with the recipients that `rewrite` has replaced. A message that the store has deleted or lost a part of fails
 * instead of being sent short.
 * @throws StoreError
 */
export async function sentOctets(store: MessageStore, folderId: string, item: Item): Promise<SentOctets> {
  const start = await store.read(folderId, item.uid, 0, RETURN_PATH_OCTETS)
  if (!start) throw new StoreError('not-found', `the store no longer has the queued message ${item.id}`)
  const first = headerFieldAt(start, 0, start.length)
  const isWhole = first.end < start.length || start.length < RETURN_PATH_OCTETS
  const skipped = first.nameLower === 'return-path' && isWhole ? first.end : 0
  const prefix = originalRecipients(item)
  const storedOctets = item.entry.sizeOctets - skipped
  return {
    sizeOctets: prefix.length + storedOctets,
    async *message() {
      if (prefix.length > 0) yield prefix
      let octets = 0
      for await (const piece of store.stream(folderId, item.uid, skipped)) {
        octets += piece.length
        yield piece
      }
      if (octets < storedOctets) {
        throw new StoreError(
          'not-found',
          `the store has ${octets} of ${storedOctets} octets of the queued message ${item.id}`,
        )
      }
    },
  }
}

/** Addresses of an X-Sealpost-Original-To field. */
const MAX_ORIGINAL = 100

function originalRecipients({ entry, transport }: Item): Buffer {
  const given = entry.envelope?.rcptTo ?? []
  const sent = new Set(transport.recipients.map(({ address }) => address))
  if (given.every((address) => sent.has(address))) return Buffer.alloc(0)
  return Buffer.from(`X-Sealpost-Original-To: ${given.slice(0, MAX_ORIGINAL).join(',\r\n\t')}\r\n`)
}

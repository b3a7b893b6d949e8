import { type Shortage, StoreError, StoreFull } from '../../errors.ts'
import { type Folder, OUTGOING_OWNER } from '../../folder.ts'

/** The store's action for a new message that does not fit. */
export type WhenFull = 'refuse' | 'drop-oldest'

/** The limits of a store. */
export interface StoreLimits {
  /** Octets of all messages together. */
  readonly octets?: number | undefined
  /** Number of messages in all folders. The queue of outgoing mail does not count. */
  readonly messages?: number | undefined
  /** Default: refuse. */
  readonly whenFull?: WhenFull | undefined
}

/** Returns whether the messages of a folder count against the limit. */
export const isCounted = ({ owner }: Folder): boolean => owner !== OUTGOING_OWNER

/**
 * Checks that a change fits.
 * @throws StoreFull if it would fit after deletions; StoreError `no-space` if it never does
 */
export function checkFits(used: Shortage, more: Shortage, limits: StoreLimits): void {
  const [maxOctets, maxMessages] = [
    limits.octets ?? Number.POSITIVE_INFINITY,
    limits.messages ?? Number.POSITIVE_INFINITY,
  ]
  const octets = more.octets > 0 ? used.octets + more.octets - maxOctets : 0
  const messages = more.messages > 0 ? used.messages + more.messages - maxMessages : 0
  if (octets <= 0 && messages <= 0) return
  const text =
    octets > 0
      ? `the store is full: ${Math.max(0, maxOctets - used.octets)} octets are free`
      : `the store is full: it holds ${used.messages} messages, and the limit is ${maxMessages}`
  if (more.octets > maxOctets || more.messages > maxMessages) throw new StoreError('no-space', text)
  throw new StoreFull(text, { octets: Math.max(0, octets), messages: Math.max(0, messages) })
}

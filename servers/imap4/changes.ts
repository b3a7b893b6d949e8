import type { FetchItem } from './wire/fetch-request.ts'

/** Changes to send to the client, in this order. */
export interface Updates {
  /** Sequence numbers, descending, because each EXPUNGE changes the numbers above it; and uids, ascending. */
  readonly expunged: { readonly numbers: readonly number[]; readonly uids: readonly number[] }
  /** The number of messages, if it grew. */
  readonly exists: number | undefined
  /** Indexes of new messages that other sessions stored. */
  readonly foreign: readonly number[]
  /** Indexes of messages whose flags other sessions changed. */
  readonly changed: readonly number[]
  /** Indexes of new messages. While a search result is kept up to date, also those of all changed messages. */
  readonly touched: readonly number[]
}

/** The effect of new and changed messages on a search result. */
export interface ResultChange {
  /** The response that tells the client, '' if the result stays. */
  readonly response: string
  /** Uids that are new in the result. */
  readonly added: ReadonlySet<number>
}

/** The result of a SEARCH or SORT that is kept up to date at the client. RFC 5267 section 4.3. */
export interface ResultContext {
  /** Items to send of new messages in the result. RFC 5465 section 7. */
  readonly items: readonly FetchItem[]
  /** Takes expunged messages out. Returns the response for that, which is sent before the EXPUNGE. RFC 5267 section 4.3.4. */
  removeExpunged(expunged: Updates['expunged']): string
  /** Tests new and changed messages again. Returns undefined if there is no memory for the result. */
  update(indexes: readonly number[]): Promise<ResultChange | undefined>
  close(): void
}

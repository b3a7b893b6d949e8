import { signal } from '@preact/signals'

/** The initial content of a new message. */
export interface Draft {
  readonly from?: string | undefined
  readonly to?: string
  readonly cc?: string
  readonly subject?: string
  readonly text?: string
  /** In-Reply-To and References of an answer. RFC 5322 section 3.6.4. */
  readonly headers?: Readonly<Record<string, string>>
}

/** The message that is being written. */
export const composing = signal<Draft | undefined>(undefined)

/** The checks of a message. */
export const checkNames = [
  'html-support',
  'links',
  'images',
  'accessibility',
  'unsubscribe',
  'headers',
  'size',
  'spam',
  'authentication',
] as const

export const findingLevels = ['error', 'warning', 'info'] as const

/** The opinion of a spam filter about a message. */
export interface SpamVerdict {
  readonly program: 'SpamAssassin' | 'rspamd'
  readonly isSpam: boolean
  readonly score: number
  /** The score from which a message is spam. */
  readonly threshold: number
  /** The rules that matched. */
  readonly rules: readonly { readonly name: string; readonly score: number; readonly description: string }[]
}

/** A finding of a check. */
export interface Finding {
  readonly check: (typeof checkNames)[number]
  readonly level: (typeof findingLevels)[number]
  readonly message: string
  /** Line of the decoded HTML; null for what has no line there. */
  readonly line: number | null
  /** Index of a tag in the decoded HTML, to show the place; null for what has none. */
  readonly at: number | null
  /** Mail programs and receivers that it concerns; empty for all. */
  readonly clients: string[]
  /** The standard, page or rule that says so. */
  readonly source: string
}

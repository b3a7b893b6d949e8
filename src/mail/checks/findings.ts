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

/** A finding of a check. */
export interface Finding {
  readonly check: (typeof checkNames)[number]
  readonly level: (typeof findingLevels)[number]
  readonly message: string
  /** Line of the decoded HTML; null for what has no line there. */
  readonly line: number | null
  /** Mail programs and receivers that it concerns; empty for all. */
  readonly clients: string[]
  /** The standard, page or rule that says so. */
  readonly source: string
}

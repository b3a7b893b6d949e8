/** A message on its way into or out of a store. */
export interface CarriedMessage {
  /** Line ends CRLF. */
  readonly raw: Buffer
  readonly flags: readonly string[]
  /** Milliseconds since the epoch. */
  readonly internalDate: number
}

/** A folder of messages on disk, in some format. */
export interface FoundFolder {
  /** Levels separated by `/`; '' for messages that lie at the top. */
  readonly name: string
  readonly path: string
}

/** How messages lie on disk for other programs. */
export interface MailFormat {
  /** Where a folder of this name lies below `root`. */
  pathOf(root: string, name: string): string
  write(path: string, messages: AsyncIterable<CarriedMessage>): Promise<void>
  /** The folders at and below `root`. */
  find(root: string): readonly FoundFolder[]
  read(path: string): AsyncIterable<CarriedMessage>
}

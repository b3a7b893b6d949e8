import type { Folder } from '../../../src/storage/store/folder.ts'

/** A label of a message: the mailbox that holds a copy of it, or `\Starred`. */
export interface Label {
  readonly name: string
  readonly folder?: Folder
}

/** The labels of messages by their octets' id. */
export type Labels = ReadonlyMap<string, readonly Label[]>

import { readdirSync } from 'node:fs'
import { join } from 'node:path'

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

/** A folder's or account's name as one name of a file: what a file system or another program may trip over, in %XX. */
export const fileName = (name: string): string =>
  name.replace(/[\0-\x1f\x7f/\\:*?"<>|%]|^\.|^(?:cur|new|tmp)$/g, (unsafe) =>
    Array.from(Buffer.from(unsafe), (octet) => `%${octet.toString(16).padStart(2, '0').toUpperCase()}`).join(''),
  )

export function fromFileName(file: string): string {
  try {
    return decodeURIComponent(file.replace(/%(?![0-9A-Fa-f]{2})/g, '%25'))
  } catch {
    return file
  }
}

/** A folder's levels as folders of the file system. */
export const folderPath = (root: string, name: string): string => join(root, ...name.split('/').map(fileName))

/** Walks down; `visit` gets each folder's path, its name as a mail folder, and what is in it. */
export function walk(root: string, visit: (path: string, name: string, files: readonly string[]) => void): void {
  const into = (path: string, name: string): void => {
    const found = readdirSync(path, { withFileTypes: true })
    visit(
      path,
      name,
      found.map((each) => each.name),
    )
    for (const each of found) {
      if (!each.isDirectory() || /^(?:cur|new|tmp)$/.test(each.name)) continue
      into(join(path, each.name), name === '' ? fromFileName(each.name) : `${name}/${fromFileName(each.name)}`)
    }
  }
  into(root, '')
}

/** Bare LF and bare CR, as other systems' files have, made CRLF; the buffer itself where nothing is to be done. */
export function withCrlf(raw: Buffer): Buffer {
  const text = raw.toString('latin1')
  const changed = text.replace(/\r\n|\r|\n/g, '\r\n')
  return changed === text ? raw : Buffer.from(changed, 'latin1')
}

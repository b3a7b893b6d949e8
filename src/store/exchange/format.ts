import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** A message that is exported or imported. */
export interface CarriedMessage {
  /** With CRLF line ends. */
  readonly raw: Buffer
  readonly flags: readonly string[]
  /** Milliseconds since the epoch. */
  readonly internalDate: number
}

/** A mail folder found on disk. */
export interface FoundFolder {
  /** Name with `/` between levels; '' for messages at the top. */
  readonly name: string
  readonly path: string
}

/** A format in which other programs keep mail on disk. */
export interface MailFormat {
  /** Returns the path of a mail folder below `root`. */
  pathOf(root: string, name: string): string
  write(path: string, messages: AsyncIterable<CarriedMessage>): Promise<void>
  /** Returns the mail folders at and below `root`. */
  find(root: string): readonly FoundFolder[]
  read(path: string): AsyncIterable<CarriedMessage>
}

/** Returns a folder's or account's name as a file name. Writes characters that file systems or mail programs reject as %XX. */
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

/** Returns the path of a mail folder. Each level is a folder of the file system. */
export const folderPath = (root: string, name: string): string => join(root, ...name.split('/').map(fileName))

/** Calls `visit` for `root` and every folder below it: with its path, its name as a mail folder and its file names. */
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

/** Replaces bare LF and bare CR by CRLF. Returns the given buffer if there are none. */
export function withCrlf(raw: Buffer): Buffer {
  const text = raw.toString('latin1')
  const changed = text.replace(/\r\n|\r|\n/g, '\r\n')
  return changed === text ? raw : Buffer.from(changed, 'latin1')
}

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { unescaped } from './names.ts'

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
  /** Ending of the name of a mail folder on disk. */
  readonly ending: string
  /** Writes messages to a mail folder. Only the owner can read what it creates. */
  write(path: string, messages: AsyncIterable<CarriedMessage>): Promise<void>
  /** Returns the mail folders at and below `root`. */
  find(root: string): readonly FoundFolder[]
  read(path: string): AsyncIterable<CarriedMessage>
}

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
      into(join(path, each.name), name === '' ? unescaped(each.name) : `${name}/${unescaped(each.name)}`)
    }
  }
  into(root, '')
}

/** Replaces bare LF and bare CR by CRLF. Returns the given buffer if it has no bare line ends. */
export function withCrlf(raw: Buffer): Buffer {
  const text = raw.toString('latin1')
  const changed = text.replace(/\r\n|\r|\n/g, '\r\n')
  return changed === text ? raw : Buffer.from(changed, 'latin1')
}

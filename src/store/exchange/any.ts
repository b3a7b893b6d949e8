import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { withCrlf } from './paths.ts'
import { formats } from './transfer.ts'
import type { CarriedMessage } from './types.ts'

/** The messages of a .eml file, an mbox file, a Maildir or a folder of .eml files. @throws where there is nothing */
export function messagesAt(path: string): AsyncIterable<CarriedMessage> {
  if (!statSync(path).isDirectory()) return path.endsWith('.eml') ? oneFile(path) : formats.mbox.read(path)
  const isMaildir = statSync(join(path, 'cur'), { throwIfNoEntry: false })?.isDirectory()
  return isMaildir ? formats.maildir.read(path) : formats.eml.read(path)
}

async function* oneFile(path: string): AsyncGenerator<CarriedMessage, void, void> {
  yield { raw: withCrlf(readFileSync(path)), flags: [], internalDate: Math.floor(statSync(path).mtimeMs) }
}

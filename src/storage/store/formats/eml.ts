import { readdirSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder, writePrivateFile } from '../../../core/files/folders.ts'
import { readRegularFile } from '../../../core/files/regular-file.ts'
import { isMapping } from '../../../core/values/mapping.ts'
import { checked, type FoundFolder, type MailFormat, walk, withCrlf } from './format.ts'
import { readJsonFile } from './json-file.ts'

/** The file with flags and dates, beside the messages of a folder. */
const NOTES = 'messages.json'

interface Note {
  readonly flags: readonly string[]
  readonly internalDate: number
}

const isNote = (value: unknown): value is Note =>
  isMapping(value) &&
  Array.isArray(value.flags) &&
  value.flags.every((flag) => typeof flag === 'string') &&
  typeof value.internalDate === 'number'

const areNotes = (value: unknown): value is Readonly<Record<string, Note>> =>
  isMapping(value) && Object.values(value).every(isNote)

/** One file per message, as mail programs save it by drag and drop. */
export const eml: MailFormat = {
  ending: '',

  async write(path, messages) {
    makeFolder(path, 0o700)
    const notes: Record<string, Note> = {}
    let number = 0
    for await (const { raw, flags, internalDate } of messages) {
      const name = `${String(++number).padStart(6, '0')}.eml`
      writePrivateFile(join(path, name), raw)
      utimesSync(join(path, name), internalDate / 1000, internalDate / 1000)
      notes[name] = { flags, internalDate }
    }
    writePrivateFile(join(path, NOTES), `${JSON.stringify(notes, null, 1)}\n`)
  },

  find(root) {
    const found: FoundFolder[] = []
    walk(root, (path, name, files) => {
      if (files.some((file) => file.endsWith('.eml') || file === NOTES)) found.push({ name, path })
    })
    return found
  },

  async *read(path) {
    const notes = readJsonFile(join(path, NOTES), areNotes) ?? {}
    for (const name of readdirSync(path).sort()) {
      if (!name.endsWith('.eml')) continue
      const message = join(path, name)
      const octets = readRegularFile(message)
      const note = notes[name]
      // A message that we wrote is read as it is.
      if (note) yield { raw: octets, flags: note.flags, internalDate: note.internalDate }
      else {
        const internalDate = Math.floor(statSync(message).mtimeMs)
        yield checked({ raw: withCrlf(octets), flags: [], internalDate }, message)
      }
    }
  },
}

import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { writePrivateFile } from '../../../core/files/folders.ts'
import { isMapping } from '../../../core/values/mapping.ts'
import { readJsonFile } from './json-file.ts'

/** Lists the names of an account and its folders that cannot be read from the names of their files. */
const INDEX = 'folders.json'

/** Longest name of a file or folder, without the ending of the format, and longest path below an owner's folder. */
const MAX_LEVEL_OCTETS = 120
const MAX_PATH_OCTETS = 600

/** Names that the formats use beside or instead of the names of mail folders. */
const RESERVED = /(?:\.mbox|\.eml|^messages\.json|^folders\.json|^dovecot-keywords|^cur|^new|^tmp)$/i
/** Names of devices, which Windows does not accept. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i

const percentEncode = (text: string): string =>
  Array.from(Buffer.from(text), (octet) => `%${octet.toString(16).padStart(2, '0').toUpperCase()}`).join('')

/** Writes a level of a name as a file name, of any length. Characters that file systems refuse become %XX. */
export function escapeLevel(level: string): string {
  const safe = level.replace(/[\0-\x1f\x7f/\\:*?"<>|%]|^\.|[. ]$/g, percentEncode)
  // One escaped character is enough to differ from a reserved name.
  if (RESERVED.test(safe)) return safe.replace(safe.includes('.') ? /\.(?=[^.]*$)/ : /^./, percentEncode)
  return DEVICE.test(safe) ? safe.replace(/^./, percentEncode) : safe
}

/** Reads a file name as a level of a name. */
export function unescapeLevel(file: string): string {
  try {
    return decodeURIComponent(file.replace(/%(?![0-9A-Fa-f]{2})/g, '%25'))
  } catch {
    return file
  }
}

/** Whether a name can be read from its path. */
export const isReadable = (path: string, name: string): boolean => path.split('/').map(unescapeLevel).join('/') === name

/** Returns the start of a file name with a mark that other names do not contain. `whole` tells it from similar ones. */
function marked(file: string, whole: string): string {
  let start = ''
  for (const character of file.match(/%[0-9A-F]{2}|./gsu) ?? []) {
    if (Buffer.byteLength(start + character) > MAX_LEVEL_OCTETS / 2) break
    start += character
  }
  return `${start}%~${createHash('sha256').update(whole).digest('hex').slice(0, 20)}`
}

/**
 * Chooses a path for each name, one file system folder per level. No two names get the same path, also on file systems
 * that ignore case or Unicode forms.
 */
export class ExportPaths {
  /** The names that have a path, by the path as such file systems compare it. */
  readonly #taken = new Map<string, string>()

  pathOf(name: string): string {
    const levels = name.split('/')
    const path = this.#take(levels)
    return Buffer.byteLength(path) <= MAX_PATH_OCTETS ? path : this.#take([name], name)
  }

  /** Chooses the name of one file or folder, also for a name with levels. */
  fileOf(name: string): string {
    return this.#take([name])
  }

  /** @param whole the name, if it has more levels than its path */
  #take(levels: readonly string[], whole?: string): string {
    let path = ''
    for (const [i, level] of levels.entries()) {
      const name = whole ?? levels.slice(0, i + 1).join('/')
      const file = escapeLevel(level)
      const fits = whole === undefined && file !== '' && Buffer.byteLength(file) <= MAX_LEVEL_OCTETS
      const parent = path === '' ? '' : `${path}/`
      path = parent + (fits ? file : marked(file, name))
      const key = path.normalize('NFC').toLowerCase()
      const owner = this.#taken.get(key)
      if (owner === undefined) this.#taken.set(key, name)
      else if (owner !== name) path = parent + marked(file, name)
    }
    return path
  }
}

interface ExportIndex {
  /** The account, unless the folder's name is enough. */
  readonly account?: string
  /** The names of folders by their paths, with `/` between levels, unless the path is enough. */
  readonly folders: Readonly<Record<string, string>>
}

/** Adds to the index of an owner's part of an export. */
export function writeIndex(path: string, { account, folders }: ExportIndex): void {
  if (account === undefined && Object.keys(folders).length === 0) return
  const index = { ...(account !== undefined && { account }), folders: { ...readIndex(path).folders, ...folders } }
  writePrivateFile(join(path, INDEX), `${JSON.stringify(index, null, 1)}\n`)
}

export const readIndex = (path: string): ExportIndex => readJsonFile(join(path, INDEX), isIndex) ?? { folders: {} }

const isIndex = (value: unknown): value is ExportIndex =>
  isMapping(value) &&
  (value.account === undefined || typeof value.account === 'string') &&
  isMapping(value.folders) &&
  Object.values(value.folders).every((name) => typeof name === 'string')

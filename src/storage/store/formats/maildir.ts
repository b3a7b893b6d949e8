import { existsSync, readdirSync, statSync, utimesSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { makeFolder, writePrivateFile } from '../../../core/files/folders.ts'
import { readRegularFile } from '../../../core/files/regular-file.ts'
import { type CarriedMessage, checked, type FoundFolder, type MailFormat, walk, withCrlf } from './format.ts'
import { unescapeLevel } from './names.ts'

/** The letters after `:2,` in a file name. https://cr.yp.to/proto/maildir.html */
const letterOf: Readonly<Record<string, string>> = {
  '\\Draft': 'D',
  '\\Flagged': 'F',
  '\\Answered': 'R',
  '\\Seen': 'S',
  '\\Deleted': 'T',
}
const flagOf = new Map(Object.entries(letterOf).map(([flag, letter]) => [letter, flag]))
/** Dovecot's list of keywords: a number and a name per line. The letters a to z stand for 0 to 25. */
const KEYWORDS = 'dovecot-keywords'
const FIRST_KEYWORD = 'a'.charCodeAt(0)

export const maildir: MailFormat = {
  ending: '',

  async write(path, messages) {
    for (const part of ['cur', 'new', 'tmp']) makeFolder(join(path, part), 0o700)
    const keywords: string[] = []
    let number = 0
    for await (const { raw, flags, internalDate } of messages) {
      const seconds = Math.floor(internalDate / 1000)
      const name = `${seconds}.M${String(++number).padStart(6, '0')}.sealpost,S=${raw.length}:2,${letters(flags, keywords)}`
      const file = join(path, 'cur', name)
      writePrivateFile(file, raw)
      utimesSync(file, internalDate / 1000, internalDate / 1000)
    }
    if (keywords.length === 0) return
    writePrivateFile(join(path, KEYWORDS), keywords.map((keyword, i) => `${i} ${keyword}\n`).join(''))
  },

  /** Finds nested folders and, at any level, the dotted names of Maildir++. */
  find(root) {
    const found: FoundFolder[] = []
    walk(root, (path, _, files) => {
      if (files.includes('cur')) found.push({ name: nameOf(relative(root, path)), path })
    })
    return found
  },

  async *read(path) {
    const keywords = readKeywords(path)
    for (const part of ['cur', 'new']) {
      const folder = join(path, part)
      if (!existsSync(folder)) continue
      for (const name of readdirSync(folder).sort()) yield readFile(join(folder, name), name, keywords)
    }
  },
}

function readFile(file: string, name: string, keywords: ReadonlyMap<string, string>): CarriedMessage {
  const letters = /:2,([A-Za-z]*)/.exec(name)?.[1] ?? ''
  const flags = [...letters].flatMap((letter) => flagOf.get(letter) ?? keywords.get(letter) ?? [])
  const octets = readRegularFile(file)
  // A message that we wrote, and that no program has changed since, is read as it is.
  const isOwn = name.includes(`.sealpost,S=${octets.length}:`)
  const internalDate = Math.floor(statSync(file).mtimeMs)
  return isOwn ? { raw: octets, flags, internalDate } : checked({ raw: withCrlf(octets), flags, internalDate }, file)
}

/** Returns a message's letters in the order that the format requires. Adds new keywords to `keywords`, at most 26. */
function letters(flags: readonly string[], keywords: string[]): string {
  const found = flags.flatMap((flag) => {
    const system = letterOf[flag]
    if (system) return [system]
    if (!keywords.includes(flag) && keywords.length < 26) keywords.push(flag)
    const at = keywords.indexOf(flag)
    return at === -1 ? [] : [String.fromCharCode(FIRST_KEYWORD + at)]
  })
  return found.sort().join('')
}

function readKeywords(path: string): ReadonlyMap<string, string> {
  const file = join(path, KEYWORDS)
  if (!existsSync(file)) return new Map()
  const lines = readRegularFile(file)
    .toString('utf8')
    .matchAll(/^(\d+) (\S+)$/gm)
  return new Map(
    Array.from(lines, ([, number, name]) => [String.fromCharCode(FIRST_KEYWORD + Number(number)), `${name}`]),
  )
}

/** Converts a path to a folder name. `.Archive.2025` is Maildir++ for Archive/2025. */
const nameOf = (path: string): string =>
  path
    .split(sep)
    .map((level) => unescapeLevel(level.startsWith('.') ? level.slice(1).replaceAll('.', '/') : level))
    .join('/')

import { closeSync, createReadStream, existsSync, openSync, statSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { makeFolder, writePrivateFile } from '../../../core/files/folders.ts'
import { type CarriedMessage, checked, type FoundFolder, type MailFormat, walk } from './format.ts'
import { unescapeLevel } from './names.ts'

/** The letters of the fields Status and X-Status, in which mail programs store flags. */
const statusFlags: Readonly<Record<string, string>> = {
  R: '\\Seen',
  A: '\\Answered',
  F: '\\Flagged',
  D: '\\Deleted',
  T: '\\Draft',
}
const ending = '.mbox'

/** The variant mboxrd: a line that starts with any number of `>` and then `From ` gets one more `>`. RFC 4155 appendix A. */
export const mbox: MailFormat = {
  ending,

  async write(path, messages) {
    makeFolder(dirname(path), 0o700)
    writePrivateFile(path, '')
    const file = openSync(path, 'a')
    try {
      for await (const message of messages) writeSync(file, encodeMbox(message))
    } finally {
      closeSync(file)
    }
  },

  find(root) {
    if (existsSync(root) && statSync(root).isFile()) return [{ name: '', path: root }]
    const found: FoundFolder[] = []
    walk(root, (path, name, files) => {
      for (const file of files.filter((each) => each.endsWith(ending))) {
        const level = unescapeLevel(file.slice(0, -ending.length))
        found.push({ name: name === '' ? level : `${name}/${level}`, path: join(path, file) })
      }
    })
    return found
  },

  async *read(path) {
    const splitter = new Splitter('mboxrd', `${path}, `)
    for await (const line of linesOf(path)) {
      const message = splitter.add(line)
      if (message) yield message
    }
    yield* splitter.end()
  },
}

/** How lines of a message that begin with `From ` are told from those between messages. RFC 4155 section 2. */
export const mboxQuotings = ['mboxrd', 'mboxo'] as const
export type MboxQuoting = (typeof mboxQuotings)[number]

/** Quoted lines: `>From ` in mboxo; in mboxrd also `>>From `, and so on. */
const quoted: Readonly<Record<MboxQuoting, RegExp>> = { mboxrd: /^>(>*From )/, mboxo: /^>(From )/ }

/** Yields the messages of an mbox file, and undefined from time to time while a long one is read. */
export function* messagesInMbox(
  octets: Buffer,
  quoting: MboxQuoting,
): Generator<CarriedMessage | undefined, void, void> {
  const splitter = new Splitter(quoting)
  for (let start = 0; start < octets.length; ) {
    const at = octets.indexOf(LF, start)
    const end = at === -1 ? octets.length : at
    for (const line of linesIn(octets.toString('latin1', start, end))) yield splitter.add(line)
    start = end + 1
  }
  yield* splitter.end()
}

/** Splits a text that ended at an LF at each CR. The CRs at its end belong to the LF. */
const linesIn = (text: string): readonly string[] =>
  text.includes('\r') ? text.replace(/\r+$/, '').split('\r') : [text]

/** A line `From ` with a date: it begins a message even if no empty line is before it. RFC 4155 appendix A. */
const DATED = /^From \S+ +(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) +[A-Z][a-z]{2} +\d{1,2} +\d{1,2}:\d\d/

const LF = 0x0a

/** Finds the messages in the lines of an mbox file. */
class Splitter {
  readonly #quoting: MboxQuoting
  readonly #file: string
  /** The line `From ` of the message. */
  #from: string | undefined
  #lines: string[] = []
  #number = 0
  /** The number of the first line of the message. */
  #start = 0
  /** The number of the first line with text before the first message. */
  #stray: number | undefined

  /** @param file the beginning of a place in the file */
  constructor(quoting: MboxQuoting, file = '') {
    this.#quoting = quoting
    this.#file = file
  }

  /** Takes a line, without its line end. Returns the message that ended before it. */
  add(line: string): CarriedMessage | undefined {
    this.#number++
    const isFirst = this.#from === undefined
    const begins = line.startsWith('From ') && (isFirst || this.#lines.at(-1) === '' || DATED.test(line))
    if (!begins) {
      if (!isFirst) this.#lines.push(line)
      else if (line.trim() !== '') this.#stray ??= this.#number
      return undefined
    }
    const message = isFirst ? this.#refuseStray('it is before the first line “From ”') : this.#message()
    this.#from = line
    this.#lines = []
    this.#start = this.#number + 1
    return message
  }

  /** Yields the last message. */
  *end(): Generator<CarriedMessage, void, void> {
    const last = this.#message() ?? this.#refuseStray('no line begins with “From ” (RFC 4155)')
    if (last) yield last
  }

  #message(): CarriedMessage | undefined {
    if (this.#from === undefined) return undefined
    const { isCopy, ...message } = decode(this.#from, this.#lines, this.#quoting)
    return isCopy ? message : checked(message, `${this.#file}line ${this.#start}`)
  }

  #refuseStray(why: string): CarriedMessage | undefined {
    if (this.#stray === undefined) return undefined
    const refused = `${this.#file}line ${this.#stray} is not in the format mbox: ${why}`
    return { raw: Buffer.alloc(0), flags: [], internalDate: 0, refused }
  }
}

/** Yields the lines of a file without their line ends: CRLF, LF or CR. */
async function* linesOf(path: string): AsyncGenerator<string, void, void> {
  let rest = ''
  for await (const chunk of createReadStream(path, 'latin1')) {
    const text = rest + String(chunk)
    // The LF of this CR may be in the next chunk.
    const held = /\r*$/.exec(text)?.[0] ?? ''
    const lines = text.slice(0, text.length - held.length).split(/\r*\n|\r/)
    rest = (lines.pop() ?? '') + held
    yield* lines
  }
  if (rest !== '') yield* linesIn(rest)
}

/**
 * The field with a copy of the message in base64, for the few messages that an mbox file changes: they contain a bare LF,
 * do not end with CRLF or have fields of the format themselves.
 */
const COPY = 'X-Sealpost-Original'

/** Returns a message as a part of a file in the format mbox. */
export function encodeMbox(message: CarriedMessage): Buffer {
  const usual = encodeWith([], message)
  const [from = '', ...lines] = usual.toString('latin1').split('\n')
  const read = lines.slice(0, -1).flatMap(linesIn)
  // A reader refuses what does not look like a message, but what the store has must come back.
  const isRead = checked(message, '').refused === undefined
  if (isRead && decode(from, read, 'mboxrd').raw.equals(message.raw)) return usual
  const copy = message.raw.toString('base64').replace(/.{1,76}/g, '\n $&')
  return encodeWith([`${COPY}:${copy}`], message)
}

function encodeWith(more: readonly string[], { raw, flags, internalDate }: CarriedMessage): Buffer {
  const has = (letter: string): string => (flags.includes(statusFlags[letter] ?? '') ? letter : '')
  const keywords = flags.filter((flag) => !flag.startsWith('\\'))
  const fields = [
    `Status: ${has('R')}O`,
    `X-Status: ${['A', 'F', 'T', 'D'].map(has).join('')}`,
    ...(keywords.length > 0 ? [`X-Keywords: ${keywords.join(' ')}`] : []),
    ...more,
  ]
  const text = raw
    .toString('latin1')
    .replaceAll('\r\n', '\n')
    .replace(/(^|\n)(>*From )/g, '$1>$2')
  const from = `From MAILER-DAEMON ${asctime(new Date(internalDate))}`
  return Buffer.from(`${from}\n${fields.join('\n')}\n${text}${text.endsWith('\n') ? '' : '\n'}\n`, 'latin1')
}

/** Returns the message of some lines. `isCopy`: the lab wrote it, and could not write it as it is. */
function decode(
  from: string,
  all: readonly string[],
  quoting: MboxQuoting,
): CarriedMessage & { readonly isCopy: boolean } {
  // The empty line before the next message is not part of the message.
  const lines = all.at(-1) === '' ? all.slice(0, -1) : all
  const end = lines.indexOf('')
  const header = end === -1 ? lines : lines.slice(0, end)
  const flags: string[] = []
  const kept: string[] = []
  let copy: string | undefined
  let isCopyLine = false
  for (const line of header) {
    isCopyLine &&= line.startsWith(' ')
    // The fields of the lab come first. Those that follow are the message's own.
    if (copy !== undefined && !isCopyLine) break
    const [, name = '', value = ''] = /^(Status|X-Status|X-Keywords|X-Sealpost-Original): *(.*)$/i.exec(line) ?? []
    if (isCopyLine) copy += line
    else if (name === '') kept.push(line)
    else if (name === COPY) {
      isCopyLine = true
      copy = ''
    } else if (name.toLowerCase() === 'x-keywords') flags.push(...value.split(/[\s,]+/).filter((word) => word !== ''))
    else flags.push(...[...value].flatMap((letter) => statusFlags[letter] ?? []))
  }
  const internalDate = Date.parse(`${from.trimEnd().replace(/^From \S+\s+/, '')} UTC`) || 0
  if (copy !== undefined) return { raw: Buffer.from(copy, 'base64'), flags, internalDate, isCopy: true }
  const text = [...kept, ...lines.slice(header.length)].map((line) => `${line.replace(quoted[quoting], '$1')}\r\n`)
  return { raw: Buffer.from(text.join(''), 'latin1'), flags, internalDate, isCopy: false }
}

/** Formats a date as `Thu Jan  1 00:00:00 2026`, in UTC. RFC 4155 appendix A. */
function asctime(date: Date): string {
  const [weekday, day, month, year, time] = date.toUTCString().replace(',', '').split(' ')
  return `${weekday} ${month} ${String(Number(day)).padStart(2)} ${time} ${year}`
}

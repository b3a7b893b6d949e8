import { closeSync, createReadStream, existsSync, openSync, statSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { makeFolder, writePrivateFile } from '../../../core/files/folders.ts'
import { type CarriedMessage, type FoundFolder, type MailFormat, walk } from './format.ts'
import { unescaped } from './names.ts'

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
        const level = unescaped(file.slice(0, -ending.length))
        found.push({ name: name === '' ? level : `${name}/${level}`, path: join(path, file) })
      }
    })
    return found
  },

  async *read(path) {
    const splitter = new Splitter('mboxrd')
    for await (const line of linesOf(path)) {
      const message = splitter.add(line)
      if (message) yield message
    }
    const last = splitter.end()
    if (last) yield last
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
    yield splitter.add(octets.toString('latin1', start, end))
    start = end + 1
  }
  yield splitter.end()
}

const LF = 0x0a

/** Finds the messages in the lines of an mbox file. */
class Splitter {
  readonly #quoting: MboxQuoting
  /** The line `From ` of the message. */
  #from: string | undefined
  #lines: string[] = []

  constructor(quoting: MboxQuoting) {
    this.#quoting = quoting
  }

  /** Takes a line, without its LF. Returns the message that ended before it. */
  add(line: string): CarriedMessage | undefined {
    const begins = line.startsWith('From ') && (this.#from === undefined || /^\r?$/.test(this.#lines.at(-1) ?? ''))
    if (!begins) {
      if (this.#from !== undefined) this.#lines.push(line)
      return undefined
    }
    const message = this.end()
    this.#from = line
    return message
  }

  /** Returns the last message. */
  end(): CarriedMessage | undefined {
    const message = this.#from === undefined ? undefined : decode(this.#from, this.#lines, this.#quoting)
    this.#from = undefined
    this.#lines = []
    return message
  }
}

/** Yields the lines of a file without their LF. A CR before it stays, because it may belong to the message. */
async function* linesOf(path: string): AsyncGenerator<string, void, void> {
  let rest = ''
  for await (const chunk of createReadStream(path, 'latin1')) {
    const lines = (rest + String(chunk)).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
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
  if (decode(from, lines.slice(0, -1), 'mboxrd').raw.equals(message.raw)) return usual
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

function decode(from: string, found: readonly string[], quoting: MboxQuoting): CarriedMessage {
  // If the line `From ` ends with CRLF, all lines do. Otherwise a CR is part of the message.
  const all = from.endsWith('\r') ? found.map((line) => line.replace(/\r$/, '')) : found
  // The empty line before the next message is not part of the message.
  const lines = all.at(-1) === '' ? all.slice(0, -1) : all
  const end = lines.indexOf('')
  const header = end === -1 ? lines : lines.slice(0, end)
  const flags: string[] = []
  const kept: string[] = []
  let copy: string | undefined
  let isCopy = false
  for (const line of header) {
    isCopy &&= line.startsWith(' ')
    const [, name = '', value = ''] = /^(Status|X-Status|X-Keywords|X-Sealpost-Original): *(.*)$/i.exec(line) ?? []
    if (isCopy) copy += line
    else if (name === '') kept.push(line)
    else if (name === COPY) {
      // A field of the same name in the message itself comes later.
      isCopy = copy === undefined
      copy ??= ''
    } else if (name.toLowerCase() === 'x-keywords') flags.push(...value.split(/[\s,]+/).filter((word) => word !== ''))
    else flags.push(...[...value].flatMap((letter) => statusFlags[letter] ?? []))
  }
  const internalDate = Date.parse(`${from.trimEnd().replace(/^From \S+\s+/, '')} UTC`) || 0
  if (copy !== undefined) return { raw: Buffer.from(copy, 'base64'), flags, internalDate }
  const text = [...kept, ...lines.slice(header.length)].map((line) => `${line.replace(quoted[quoting], '$1')}\r\n`)
  return { raw: Buffer.from(text.join(''), 'latin1'), flags, internalDate }
}

/** Formats a date as `Thu Jan  1 00:00:00 2026`, in UTC. RFC 4155 appendix A. */
function asctime(date: Date): string {
  const [weekday, day, month, year, time] = date.toUTCString().replace(',', '').split(' ')
  return `${weekday} ${month} ${String(Number(day)).padStart(2)} ${time} ${year}`
}

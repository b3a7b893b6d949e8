import { closeSync, createReadStream, existsSync, openSync, statSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { makeFolder } from '../../common/folders.ts'
import { type CarriedMessage, type FoundFolder, folderPath, fromFileName, type MailFormat, walk } from './format.ts'

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
  pathOf: (root, name) => folderPath(root, name) + ending,

  async write(path, messages) {
    makeFolder(dirname(path))
    const file = openSync(path, 'w')
    try {
      for await (const message of messages) writeSync(file, encode(message))
    } finally {
      closeSync(file)
    }
  },

  find(root) {
    if (existsSync(root) && statSync(root).isFile()) return [{ name: '', path: root }]
    const found: FoundFolder[] = []
    walk(root, (path, name, files) => {
      for (const file of files.filter((each) => each.endsWith(ending))) {
        const level = fromFileName(file.slice(0, -ending.length))
        found.push({ name: name === '' ? level : `${name}/${level}`, path: join(path, file) })
      }
    })
    return found
  },

  async *read(path) {
    let date = 0
    let lines: string[] | undefined
    for await (const line of createInterface({ input: createReadStream(path, 'latin1'), crlfDelay: Infinity })) {
      if (line.startsWith('From ') && (lines === undefined || lines.at(-1) === '')) {
        if (lines) yield decode(lines, date)
        date = Date.parse(`${line.replace(/^From \S+\s+/, '')} UTC`) || 0
        lines = []
      } else lines?.push(line)
    }
    if (lines) yield decode(lines, date)
  },
}

function encode({ raw, flags, internalDate }: CarriedMessage): Buffer {
  const has = (letter: string): string => (flags.includes(statusFlags[letter] ?? '') ? letter : '')
  const keywords = flags.filter((flag) => !flag.startsWith('\\'))
  const fields = [
    `Status: ${has('R')}O`,
    `X-Status: ${['A', 'F', 'T', 'D'].map(has).join('')}`,
    ...(keywords.length > 0 ? [`X-Keywords: ${keywords.join(' ')}`] : []),
  ]
  const text = raw
    .toString('latin1')
    .replaceAll('\r\n', '\n')
    .replace(/^(>*From )/gm, '>$1')
  const from = `From MAILER-DAEMON ${asctime(new Date(internalDate))}`
  return Buffer.from(`${from}\n${fields.join('\n')}\n${text}${text.endsWith('\n') ? '' : '\n'}\n`, 'latin1')
}

function decode(lines: readonly string[], internalDate: number): CarriedMessage {
  // The empty line before the next message is not part of the message.
  const body = lines.at(-1) === '' ? lines.slice(0, -1) : lines
  const headerEnd = body.indexOf('') === -1 ? body.length : body.indexOf('')
  const flags: string[] = []
  const kept = body.filter((line, i) => {
    const field = i < headerEnd ? /^(Status|X-Status|X-Keywords):(.*)$/i.exec(line) : null
    if (!field) return true
    const value = (field[2] ?? '').trimStart()
    if (field[1]?.toLowerCase() === 'x-keywords') flags.push(...value.split(/[\s,]+/).filter((word) => word !== ''))
    else flags.push(...[...value].flatMap((letter) => statusFlags[letter] ?? []))
    return false
  })
  const text = kept.map((line) => `${line.replace(/^>(>*From )/, '$1')}\r\n`).join('')
  return { raw: Buffer.from(text, 'latin1'), flags, internalDate }
}

/** Formats a date as `Thu Jan  1 00:00:00 2026`, in UTC. RFC 4155 appendix A. */
function asctime(date: Date): string {
  const [weekday, day, month, year, time] = date.toUTCString().replace(',', '').split(' ')
  return `${weekday} ${month} ${String(Number(day)).padStart(2)} ${time} ${year}`
}

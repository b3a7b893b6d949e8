import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { largeBuffer } from '../../../core/octets/large-buffer.ts'
import { runToEnd, type Steps } from '../../../core/time/time-slice.ts'
import { unescapeLevel } from './names.ts'

/** A message that is exported or imported. */
export interface CarriedMessage {
  /** With CRLF line ends. */
  readonly raw: Buffer
  readonly flags: readonly string[]
  /** Milliseconds since the epoch. */
  readonly internalDate: number
  /** Set if it is not a message: where it is, and why. */
  readonly refused?: string
}

/** Length of a line that a reason shows. */
const SHOWN_CHARACTERS = 40
/** The beginning of a field, RFC 5322 section 2.2, or an empty line: a header can be empty. */
const HEADER_START = /^(?:[!-9;-~]+[ \t]*:|\r\n|$)/

/** Returns why octets with CRLF line ends are not a message; undefined if they are one. */
function notAMessage(raw: Buffer): string | undefined {
  if (raw.length === 0) return 'it is empty'
  const start = raw.toString('latin1', 0, 1_000)
  if (HEADER_START.test(start)) return undefined
  const [line = ''] = start.split('\r\n')
  const shown = line.slice(0, SHOWN_CHARACTERS).replaceAll(/[^ -~]/g, '?')
  return `“${shown}${line.length > SHOWN_CHARACTERS ? '…' : ''}” is not a header field (RFC 5322 section 2.2)`
}

/** Returns a message that another program wrote, marked if it is none. @param place the file, or the line in it */
export function checked(message: CarriedMessage, place: string): CarriedMessage {
  const why = notAMessage(message.raw)
  return why === undefined ? message : { ...message, refused: `${place} is not a message: ${why}` }
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
      into(join(path, each.name), name === '' ? unescapeLevel(each.name) : `${name}/${unescapeLevel(each.name)}`)
    }
  }
  into(root, '')
}

/** Octets examined between two pauses. */
const STEP_OCTETS = 256 * 1024
const [CR, LF] = [0x0d, 0x0a]

/** Replaces bare LF and bare CR by CRLF. Returns the given buffer if it has no bare line ends. */
export const withCrlf = (raw: Buffer): Buffer => runToEnd(crlfSteps(raw))

/** Does the same as `withCrlf`, in steps. */
export function* crlfSteps(raw: Buffer): Steps<Buffer> {
  const added = yield* copyWithCrlf(raw, undefined)
  if (added === 0) return raw
  const out = largeBuffer(raw.length + added)
  yield* copyWithCrlf(raw, out)
  return out
}

/** Copies octets with CRLF for each line end. Returns how many octets are added. @param out undefined: only counts */
function* copyWithCrlf(raw: Buffer, out: Buffer | undefined): Steps<number> {
  let added = 0
  for (let at = 0, pauseAt = STEP_OCTETS; at < raw.length; at++) {
    if (at >= pauseAt) {
      pauseAt += STEP_OCTETS
      yield
    }
    const octet = raw[at] as number
    const isBareLf = octet === LF && raw[at - 1] !== CR
    if (isBareLf) {
      if (out) out[at + added] = CR
      added++
    }
    if (out) out[at + added] = octet
    if (octet === CR && raw[at + 1] !== LF) {
      added++
      if (out) out[at + added] = LF
    }
  }
  return added
}
